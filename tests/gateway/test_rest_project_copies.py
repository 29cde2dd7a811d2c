"""Copies of projects over the REST API."""

import asyncio
from typing import Any

import httpx
import pytest

from customvision.v1 import projects_pb2
from project_calls import complete, freeze, make_trainable
from running_gateway import MISSING, refused
from training_suite import TrainingSuite


async def whole(api: httpx.AsyncClient, project_id: str) -> dict[str, Any]:
    """Returns the project once its import has ended, as clients wait for it."""
    async with asyncio.timeout(30):
        while True:
            project: dict[str, Any] = (await api.get(f"/projects/{project_id}")).json()
            if project["status"] != "Importing":
                return project
            await asyncio.sleep(0.05)


async def test_a_project_is_copied_by_token(project_api: httpx.AsyncClient, project_suite: TrainingSuite) -> None:
    """The token of one project makes another of its name with a number, with tags and unpublished iterations."""
    project_id, _ = await make_trainable(project_suite.project)
    iteration = await complete(project_suite.project, await freeze(project_suite.project, project_id))
    publish = f"/projects/{project_id}/iterations/{iteration.iteration_id}/publish"
    await project_api.post(publish, params={"publishName": "live", "predictionId": "p"})
    export = (await project_api.get(f"/projects/{project_id}/export")).json()
    assert isinstance(export.pop("estimatedImportTimeInMS"), int)
    token = export.pop("token")
    assert export == {"iterationCount": 1, "imageCount": 10, "tagCount": 2, "regionCount": 0}

    answer = await project_api.post("/projects/import", params={"token": token})
    assert answer.status_code == 200, answer.text
    started = answer.json()
    assert (started["status"], started["name"]) == ("Importing", "garden (1)")
    copy = await whole(project_api, started["id"])
    assert copy["status"] == "Succeeded"
    path = f"/projects/{copy['id']}"
    tags = (await project_api.get(f"{path}/tags")).json()
    assert [(tag["name"], tag["imageCount"]) for tag in tags] == [("dahlia", 5), ("rose", 5)]
    (copied,) = (await project_api.get(f"{path}/iterations")).json()
    assert (copied["name"], copied["status"], copied["publishName"]) == ("Iteration 1", "Completed", None)


async def test_a_copy_can_have_a_name_of_its_own(project_api: httpx.AsyncClient, project_suite: TrainingSuite) -> None:
    """With a name the copy has it."""
    project_id, _ = await make_trainable(project_suite.project)
    token = (await project_api.get(f"/projects/{project_id}/export")).json()["token"]
    copy = (await project_api.post("/projects/import", params={"token": token, "name": "park"})).json()
    assert copy["name"] == "park"
    answer = await project_api.post("/projects/import", params={"token": token, "name": "\n"})
    refused(answer, 400, "BadRequestProjectName")
    await whole(project_api, copy["id"])


@pytest.mark.parametrize("token", ["", "x", "https://example.net/project-export-info", "a" * 5000])
async def test_a_token_that_is_none_is_refused(project_api: httpx.AsyncClient, token: str) -> None:
    """What ExportProject did not give makes no project."""
    before = (await project_api.get("/projects")).json()
    answer = await project_api.post("/projects/import", params={"token": token})
    refused(answer, 400, "BadRequestInvalidImportToken")
    refused(await project_api.post("/projects/import"), 400, "BadRequestRequiredParamIsNull")
    assert (await project_api.get("/projects")).json() == before


async def test_no_project_gives_no_token(project_api: httpx.AsyncClient, project_suite: TrainingSuite) -> None:
    """A token is of a project that is there, and of no use once that is deleted."""
    refused(await project_api.get(f"/projects/{MISSING}/export"), 404, "NotFoundProject")
    project_id, _ = await make_trainable(project_suite.project)
    token = (await project_api.get(f"/projects/{project_id}/export")).json()["token"]
    await project_suite.project.DeleteProject(projects_pb2.DeleteProjectRequest(project_id=project_id))
    answer = await project_api.post("/projects/import", params={"token": token})
    assert answer.status_code in (400, 404)
