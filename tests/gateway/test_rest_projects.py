"""Projects over the REST API."""

import json

import httpx
import pytest

from customvision.v1 import projects_pb2
from project_calls import add_photos, complete, freeze, make_tag, make_trainable
from running_gateway import MISSING, refused
from training_suite import TrainingSuite

GENERAL = "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"
COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
AUGMENTATIONS = ["rotation", "scaling", "translation", "horizontal flip", "equalize", "solarize", "padtosquare"]


async def create(api: httpx.AsyncClient, **query: str) -> dict[str, object]:
    """Creates a project and returns it."""
    answer = await api.post("/projects", params={"name": "garden", **query})
    assert answer.status_code == 200, answer.text
    created: dict[str, object] = answer.json()
    return created


async def test_a_fresh_project_is_told_whole(project_api: httpx.AsyncClient) -> None:
    """A project without further wishes is multilabel and General, and every key of the API is there."""
    project = await create(project_api)
    times = [project.pop("created"), project.pop("lastModified")]
    assert all(isinstance(time, str) and time.endswith("Z") for time in times)
    assert project == {
        "id": project["id"],
        "name": "garden",
        "description": None,
        "settings": {
            "domainId": GENERAL,
            "classificationType": "Multilabel",
            "targetExportPlatforms": [],
            "useNegativeSet": True,
            "detectionParameters": None,
            "imageProcessingSettings": {"augmentationMethods": dict.fromkeys(AUGMENTATIONS, True)},
        },
        "thumbnailUri": None,
        "drModeEnabled": False,
        "status": "Succeeded",
    }


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "application/json; charset=utf-8"}, {"Content-Type": "text/plain"}],
    ids=["no type", "JSON", "text"],
)
async def test_an_empty_body_is_taken_whatever_its_type(
    project_api: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """Creating a project with no body succeeds under any Content-Type, and under none."""
    answer = await project_api.post("/projects", params={"name": "garden"}, content=b"", headers=headers)
    assert answer.status_code == 200, answer.text


async def test_wishes_at_creation_are_kept(project_api: httpx.AsyncClient) -> None:
    """Type and domain of a new project are those asked for, the type in any case."""
    project = await create(
        project_api, description="red and blue", domainId=COMPACT.upper(), classificationType="multiclass"
    )
    read = (await project_api.get(f"/projects/{project['id']}")).json()
    assert read == project
    assert read["description"] == "red and blue"
    assert read["settings"]["domainId"] == COMPACT
    assert read["settings"]["classificationType"] == "Multiclass"


async def test_target_export_platforms_are_those_that_the_api_knows(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """They are taken in any case and told in the API's spelling, each once; another word is refused by its code."""
    project = await create(project_api, targetExportPlatforms="onnx, CoreML,,ONNX")
    path = f"/projects/{project['id']}"

    async def platforms() -> list[str]:
        told: list[str] = (await project_api.get(path)).json()["settings"]["targetExportPlatforms"]
        return told

    assert await platforms() == ["ONNX", "CoreML"]
    before = (await project_api.get("/projects")).json()
    creation = await project_api.post("/projects", params={"name": "b", "targetExportPlatforms": "ONNX,Amiga"})
    change = await project_api.patch(path, json={"settings": {"targetExportPlatforms": ["Amiga"]}})
    for answer in (creation, change):
        message = refused(answer, 400, "BadRequestProjectUnsupportedExportPlatform")
        assert "'Amiga'" in message
        assert "OpenVino" in message
    assert await platforms() == ["ONNX", "CoreML"]
    # Over gRPC any word is taken; whoever sends back what was read is not refused for it.
    words = projects_pb2.TargetExportPlatforms(platforms=["vaidk", "Amiga"])
    update = projects_pb2.UpdateProjectRequest(project_id=str(project["id"]), target_export_platforms=words)
    await project_suite.project.UpdateProject(update)
    assert await platforms() == ["VAIDK"]
    read = (await project_api.get(path)).json()
    assert (await project_api.patch(path, json=read)).json()["settings"] == read["settings"]
    assert len((await project_api.get("/projects")).json()) == len(before)


async def test_options_for_storage_elsewhere_are_taken(project_api: httpx.AsyncClient) -> None:
    """Clients that name a container and a queue get their project all the same."""
    body = {"exportModelContainerUri": "https://example.net/c", "notificationQueueUri": "https://example.net/q"}
    assert (await project_api.post("/projects", params={"name": "garden"}, json=body)).status_code == 200
    query = {"name": "garden", **body}
    assert (await project_api.post("/projects", params=query)).status_code == 200


async def test_projects_are_listed_oldest_first(project_api: httpx.AsyncClient) -> None:
    """The list has every project, also of equal names."""
    before = (await project_api.get("/projects")).json()
    created = [await create(project_api) for _ in range(3)]
    assert (await project_api.get("/projects")).json() == before + created


async def test_patch_changes_what_is_there_and_keeps_the_rest(project_api: httpx.AsyncClient) -> None:
    """A body without settings keeps them; one with a part of them changes that part."""
    project = await create(project_api, classificationType="Multiclass")
    path = f"/projects/{project['id']}"
    renamed = (await project_api.patch(path, json={"name": "park", "status": "Succeeded"})).json()
    assert (renamed["name"], renamed["settings"]) == ("park", project["settings"])
    changed = (await project_api.patch(path, json={"settings": {"domainId": COMPACT}})).json()
    assert changed["settings"]["domainId"] == COMPACT
    assert changed["settings"]["classificationType"] == "Multiclass"
    assert (await project_api.get(path)).json() == changed


async def test_patch_of_what_was_read_changes_nothing(project_api: httpx.AsyncClient) -> None:
    """A client may send a whole project back as it got it, nulls and read-only fields included."""
    project = await create(project_api)
    sent_back = await project_api.patch(f"/projects/{project['id']}", json=project)
    assert sent_back.json() == project


async def test_a_deleted_project_is_gone(project_api: httpx.AsyncClient) -> None:
    """A deleted project is gone with 204 and no body, and is 404 from then on."""
    project = await create(project_api)
    path = f"/projects/{project['id']}"
    gone = await project_api.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    refused(await project_api.get(path), 404, "NotFoundProject")


async def test_a_project_with_a_published_iteration_stays(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """Deletion is refused while an iteration is published, and says which."""
    project_id, _ = await make_trainable(project_suite.project)
    iteration = await complete(project_suite.project, await freeze(project_suite.project, project_id))
    path = f"/projects/{project_id}/iterations/{iteration.iteration_id}/publish"
    await project_api.post(path, params={"publishName": "live", "predictionId": "any"})
    message = refused(await project_api.delete(f"/projects/{project_id}"), 400, "BadRequestIterationIsPublished")
    assert "live" in message or "Iteration 1" in message


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "BadRequestRequiredParamIsNull"),
        ({"name": " "}, "BadRequestProjectName"),
        ({"name": "x" * 129}, "BadRequestProjectName"),
        ({"name": "x", "description": "d" * 1025}, "BadRequestProjectDescription"),
        ({"name": "x", "domainId": MISSING}, "BadRequestProjectUnknownDomain"),
        ({"name": "x", "domainId": "General"}, "BadRequestInvalid"),
        ({"name": "x", "classificationType": "Both"}, "BadRequestProjectUnknownClassification"),
    ],
)
async def test_bad_wishes_are_refused_with_their_code(
    project_api: httpx.AsyncClient, query: dict[str, str], code: str
) -> None:
    """What a project cannot be is told by the API's own code, and no project is made."""
    before = (await project_api.get("/projects")).json()
    assert refused(await project_api.post("/projects", params=query), 400, code)
    assert (await project_api.get("/projects")).json() == before


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b'{"name": 3}',
        b'{"name": "a", "name": "b"}',
        b'{"description": NaN}',
        b'{"name": "\\ud800"}',
        b'{"settings": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        json.dumps({"settings": {"domainId": "no id"}}).encode(),
    ],
    ids=["cut", "list", "text", "number", "twice", "NaN", "surrogate", "deep", "no id"],
)
async def test_a_body_that_cannot_be_read_changes_nothing(project_api: httpx.AsyncClient, body: bytes) -> None:
    """Bodies that are no JSON, or not of this shape, are refused whole."""
    project = await create(project_api)
    refused(await project_api.patch(f"/projects/{project['id']}", content=body), 400, "BadRequestInvalid")
    assert (await project_api.get(f"/projects/{project['id']}")).json() == project


async def test_a_project_of_several_tags_per_image_stays_multilabel(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """A project becomes no multiclass one while an image carries two tags."""
    project = await create(project_api)
    tags = [await make_tag(project_suite.project, str(project["id"]), name) for name in "ab"]
    await add_photos(project_suite.project, str(project["id"]), [1], tags)
    change = {"settings": {"classificationType": "Multiclass"}}
    refused(await project_api.patch(f"/projects/{project['id']}", json=change), 400, "BadRequestImageTags")


@pytest.mark.parametrize("path", ["/artifacts", "/artifacts?path=", "/artifacts?path=../keys.json"])
async def test_a_path_of_no_image_is_refused(project_api: httpx.AsyncClient, path: str) -> None:
    """Files of a project are those of its images, and nothing else on the disk."""
    project = await create(project_api)
    answer = await project_api.get(f"/projects/{project['id']}{path}")
    assert answer.status_code == 400


async def test_files_of_images_can_be_read_by_path(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """A path with an image's id answers its bytes, with t- its thumbnail; an unknown image is 404."""
    project = await create(project_api)
    (image,) = await add_photos(project_suite.project, str(project["id"]), [1])
    artifacts = f"/projects/{project['id']}/artifacts"
    full = await project_api.get(artifacts, params={"path": f"/i-{project['id']}/i-{image.image_id}"})
    assert full.headers["content-type"] == "application/octet-stream"
    assert len(full.content) == image.size_bytes
    thumbnail = await project_api.get(artifacts, params={"path": f"t-{image.image_id}"})
    assert thumbnail.content.startswith(b"\xff\xd8")
    refused(await project_api.get(artifacts, params={"path": f"i-{MISSING}"}), 404, "NotFoundImage")
