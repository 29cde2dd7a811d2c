"""Iterations and publishing over the REST API."""

import httpx
import pytest
from google.protobuf.duration_pb2 import Duration

from customvision.v1 import iterations_pb2, projects_pb2
from project_calls import complete, freeze, make_trainable
from running_gateway import MISSING, refused
from training_suite import TrainingSuite

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
GENERAL = "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"


async def completed(suite: TrainingSuite, *, domain_id: str = GENERAL) -> tuple[str, str]:
    """Makes a project with a completed iteration; returns its path and the iteration's."""
    project_id, _ = await make_trainable(suite.project)
    await suite.project.UpdateProject(projects_pb2.UpdateProjectRequest(project_id=project_id, domain_id=domain_id))
    iteration = await complete(suite.project, await freeze(suite.project, project_id))
    return f"/projects/{project_id}", f"/projects/{project_id}/iterations/{iteration.iteration_id}"


async def test_an_iteration_in_training_tells_nulls_where_clients_know_them(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """While it trains, five keys are null and trainedAt, base model and error are absent."""
    project_id, _ = await make_trainable(project_suite.project)
    frozen = await freeze(project_suite.project, project_id)
    told = (await project_api.get(f"/projects/{project_id}/iterations/{frozen.iteration_id}")).json()
    times = [told.pop("created"), told.pop("lastModified")]
    assert all(time.endswith("Z") for time in times)
    assert told == {
        "id": frozen.iteration_id,
        "name": "Iteration 1",
        "status": "Training",
        "projectId": project_id,
        "exportable": False,
        "exportableTo": None,
        "domainId": None,
        "classificationType": None,
        "trainingType": "Regular",
        "reservedBudgetInHours": 0,
        "trainingTimeInMinutes": 0,
        "publishName": None,
        "originalPublishResourceId": None,
    }


async def test_a_completed_iteration_tells_what_it_is(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """Completed, it has trainedAt, domain, type and a training time rounded up; a compact one is exportable."""
    for domain_id, exportable_to in ((GENERAL, None), (COMPACT, ["TensorFlow", "ONNX", "OpenVino"])):
        _, path = await completed(project_suite, domain_id=domain_id)
        told = (await project_api.get(path)).json()
        assert (told["status"], told["trainingTimeInMinutes"]) == ("Completed", 1)
        assert (told["domainId"], told["classificationType"]) == (domain_id, "Multiclass")
        assert told["trainedAt"].endswith("Z")
        assert (told["exportable"], told["exportableTo"]) == (exportable_to is not None, exportable_to)


@pytest.mark.parametrize(("seconds", "hours"), [(600, 0), (7200, 2)])
async def test_an_advanced_iteration_tells_what_it_was_asked_for(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite, seconds: int, hours: int
) -> None:
    """Budget in whole hours, the default of ten minutes being 0, and the base model are told as they were asked for."""
    project, path = await completed(project_suite)
    base_id = path.rpartition("/")[2]
    frozen = await freeze(
        project_suite.project,
        project.rpartition("/")[2],
        training_type=iterations_pb2.TRAINING_TYPE_ADVANCED,
        training_budget=Duration(seconds=seconds),
        base_iteration_id=base_id,
    )
    told = (await project_api.get(f"{project}/iterations/{frozen.iteration_id}")).json()
    assert (told["trainingType"], told["reservedBudgetInHours"]) == ("Advanced", hours)
    assert told["customBaseModelInfo"] == {"projectId": project.rpartition("/")[2], "iterationId": base_id}


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_failed_iteration_says_why(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite, *, cancelled: bool
) -> None:
    """Clients that wait for a word they know get Failed, also for a cancelled training, and a sentence with it."""
    project_id, _ = await make_trainable(project_suite.project)
    frozen = await freeze(project_suite.project, project_id)
    failure = iterations_pb2.FailIterationRequest(
        project_id=project_id, iteration_id=frozen.iteration_id, reason="The lamp went out.", cancelled=cancelled
    )
    await project_suite.project.FailIteration(failure)
    told = (await project_api.get(f"/projects/{project_id}/iterations/{frozen.iteration_id}")).json()
    assert told["status"] == "Failed"
    assert told["trainingErrorDetails"] == ("The training was cancelled." if cancelled else "The lamp went out.")
    assert "trainedAt" not in told


async def test_iterations_are_listed_renamed_and_deleted(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """An iteration can be renamed, is told so in the list, and is gone after deletion."""
    project, path = await completed(project_suite)
    renamed = (await project_api.patch(path, json={"name": "spring"})).json()
    assert renamed["name"] == "spring"
    assert (await project_api.get(f"{project}/iterations")).json() == [renamed]
    refused(await project_api.patch(path, json={"name": ""}), 400, "BadRequestIterationName")
    gone = await project_api.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    refused(await project_api.get(path), 404, "NotFoundIteration")
    assert (await project_api.get(f"{project}/iterations")).json() == []


async def test_publishing_answers_true_and_unpublishing_frees_the_name(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """Any prediction id is taken; name and id are told while the iteration is published, and null afterwards."""
    _, path = await completed(project_suite)
    target = "/subscriptions/1/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a"
    query = {"publishName": "classifyModel", "predictionId": target}
    answer = await project_api.post(f"{path}/publish", params=query)
    assert (answer.status_code, answer.text) == (200, "true")
    told = (await project_api.get(path)).json()
    assert (told["publishName"], told["originalPublishResourceId"]) == ("classifyModel", target)
    refused(await project_api.delete(path), 400, "BadRequestIterationIsPublished")
    gone = await project_api.delete(f"{path}/publish")
    assert (gone.status_code, gone.content) == (204, b"")
    told = (await project_api.get(path)).json()
    assert (told["publishName"], told["originalPublishResourceId"]) == (None, None)
    refused(await project_api.delete(f"{path}/publish"), 400, "BadRequestIterationNotPublished")


async def test_a_name_in_use_needs_overwrite(project_api: httpx.AsyncClient, project_suite: TrainingSuite) -> None:
    """Another iteration's name is refused without overwrite, and taken over with it."""
    project, first = await completed(project_suite)
    project_id = project.rpartition("/")[2]
    newer = await complete(project_suite.project, await freeze(project_suite.project, project_id, force=True))
    second = f"{project}/iterations/{newer.iteration_id}"
    query = {"publishName": "live", "predictionId": "p"}
    await project_api.post(f"{first}/publish", params=query)
    refused(await project_api.post(f"{second}/publish", params=query), 400, "BadRequestInvalidPublishName")
    answer = await project_api.post(f"{second}/publish", params={**query, "overwrite": "true"})
    assert answer.json() is True
    assert (await project_api.get(first)).json()["publishName"] is None


async def test_a_published_iteration_keeps_its_name(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """Publishing it under another name is refused and names the first; under the same name it changes nothing."""
    _, path = await completed(project_suite)
    query = {"publishName": "live", "predictionId": "p"}
    await project_api.post(f"{path}/publish", params=query)
    answer = await project_api.post(f"{path}/publish", params={**query, "publishName": "new", "overwrite": "true"})
    message = refused(answer, 400, "BadRequestIterationIsPublished")
    assert message.startswith("Iteration is already published as: live")
    assert (await project_api.post(f"{path}/publish", params=query)).json() is True
    assert (await project_api.get(path)).json()["publishName"] == "live"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"predictionId": "p"}, "BadRequestRequiredParamIsNull"),
        ({"publishName": "live"}, "BadRequestRequiredParamIsNull"),
        ({"publishName": "", "predictionId": "p"}, "BadRequestInvalidPublishName"),
        ({"publishName": "live", "predictionId": "p", "overwrite": "perhaps"}, "BadRequestInvalid"),
    ],
)
async def test_bad_publications_are_refused(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite, query: dict[str, str], code: str
) -> None:
    """A publication without a name, or without a prediction id, changes nothing."""
    _, path = await completed(project_suite)
    refused(await project_api.post(f"{path}/publish", params=query), 400, code)
    assert (await project_api.get(path)).json()["publishName"] is None


async def test_an_iteration_in_training_is_not_published(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """What has no model yet cannot be published, nor deleted."""
    project_id, _ = await make_trainable(project_suite.project)
    frozen = await freeze(project_suite.project, project_id)
    path = f"/projects/{project_id}/iterations/{frozen.iteration_id}"
    answer = await project_api.post(f"{path}/publish", params={"publishName": "live", "predictionId": "p"})
    refused(answer, 400, "BadRequestIterationIsNotTrained")
    assert (await project_api.delete(path)).status_code == 400
    refused(await project_api.get(f"/projects/{project_id}/iterations/{MISSING}"), 404, "NotFoundIteration")
