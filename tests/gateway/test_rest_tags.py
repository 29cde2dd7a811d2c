"""Tags over the REST API."""

import httpx
import pytest

from project_calls import add_photos, freeze, make_trainable
from running_gateway import MISSING, refused
from training_suite import TrainingSuite


async def project_path(api: httpx.AsyncClient) -> str:
    """Creates a project and returns the path of its tags."""
    return f"/projects/{(await api.post('/projects', params={'name': 'garden'})).json()['id']}/tags"


async def test_a_tag_lives_its_whole_life(project_api: httpx.AsyncClient) -> None:
    """A tag is created, read, listed, changed in part and deleted; an empty description is null."""
    path = await project_path(project_api)
    tag = (await project_api.post(path, params={"name": "Japanese Cherry", "description": ""})).json()
    assert tag == {
        "id": tag["id"],
        "name": "Japanese Cherry",
        "description": None,
        "type": "Regular",
        "imageCount": 0,
    }
    assert (await project_api.get(f"{path}/{tag['id']}")).json() == tag
    assert (await project_api.get(path)).json() == [tag]
    changed = (await project_api.patch(f"{path}/{tag['id']}", json={"name": "桜", "description": "spring"})).json()
    assert changed == {**tag, "name": "桜", "description": "spring"}
    gone = await project_api.delete(f"{path}/{tag['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    refused(await project_api.get(f"{path}/{tag['id']}"), 404, "NotFoundTag")


async def test_types_of_tags_are_told_and_changed(project_api: httpx.AsyncClient) -> None:
    """A tag becomes the negative one, in any spelling, and there is one at most."""
    path = await project_path(project_api)
    tag = (await project_api.post(path, params={"name": "none", "type": "NEGATIVE"})).json()
    assert tag["type"] == "Negative"
    answer = await project_api.post(path, params={"name": "nothing", "type": "Negative"})
    refused(answer, 400, "BadRequestMultipleNegativeTag")
    assert (await project_api.patch(f"{path}/{tag['id']}", json={"type": "Regular"})).json()["type"] == "Regular"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "BadRequestRequiredParamIsNull"),
        ({"name": ""}, "BadRequestTagName"),
        ({"name": "rose"}, "BadRequestTagNameNotUnique"),
        ({"name": "x", "description": "d" * 1025}, "BadRequestTagDescription"),
        ({"name": "x", "type": "GeneralProduct"}, "BadRequestTagType"),
    ],
)
async def test_bad_tags_are_refused_with_their_code(
    project_api: httpx.AsyncClient, query: dict[str, str], code: str
) -> None:
    """What a tag cannot be is told by the API's own code, at creation and at change."""
    path = await project_path(project_api)
    await project_api.post(path, params={"name": "rose"})
    other = (await project_api.post(path, params={"name": "dahlia"})).json()
    refused(await project_api.post(path, params=query), 400, code)
    if query:
        refused(await project_api.patch(f"{path}/{other['id']}", json=query), 400, code)
    assert (await project_api.get(f"{path}/{other['id']}")).json() == other


async def test_tags_of_an_iteration_stay_as_they_were(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """With iterationId tags are told as they were when its data set was frozen."""
    project_id, tag_ids = await make_trainable(project_suite.project)
    iteration = await freeze(project_suite.project, project_id)
    path = f"/projects/{project_id}/tags"
    await add_photos(project_suite.project, project_id, [90], [tag_ids[0]])
    await project_api.patch(f"{path}/{tag_ids[0]}", json={"name": "zinnia"})
    then = (await project_api.get(path, params={"iterationId": iteration.iteration_id})).json()
    assert [(tag["name"], tag["imageCount"]) for tag in then] == [("dahlia", 5), ("rose", 5)]
    now = (await project_api.get(f"{path}/{tag_ids[0]}")).json()
    assert (now["name"], now["imageCount"]) == ("zinnia", 6)


async def test_tags_of_no_project_are_404(project_api: httpx.AsyncClient) -> None:
    """An unknown project is told as such, and an id that is none as a path that is not there."""
    refused(await project_api.get(f"/projects/{MISSING}/tags"), 404, "NotFoundProject")
    refused(await project_api.get("/projects/garden/tags"), 404, "NotFound")
