"""Training over the REST API, on real project and training services."""

import asyncio
from typing import Any

import httpx
import pytest

from customvision.v1 import iterations_pb2, training_service_pb2
from project_calls import add_photos, complete, freeze, make_project, make_tag, make_trainable
from running_gateway import MISSING, TRAINING_API, ServedGateway, refused
from server_sent_events import read_events
from training_suite import TrainingSuite


async def trained(api: httpx.AsyncClient, project_id: str, iteration_id: str) -> dict[str, Any]:
    """Returns the iteration once it has ended, as clients wait for it."""
    async with asyncio.timeout(60):
        while True:
            iteration: dict[str, Any] = (await api.get(f"/projects/{project_id}/iterations/{iteration_id}")).json()
            if iteration["status"] != "Training":
                return iteration
            await asyncio.sleep(0.1)


async def told_from_start_to_end(api: httpx.AsyncClient, path: str) -> None:
    """Follows a training, each of whose events must come once, numbered from 1, up to the last."""
    async with asyncio.timeout(60):
        events = [event async for event in read_events(api, path) if "id" in event]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert [event["sequence"] for event in events] == [event["id"] for event in events]
    assert (events[0]["type"], events[0]["state"]) == ("state", "Queued")
    assert (events[-1]["type"], events[-1]["state"]) == ("state", "Succeeded")
    assert [event["phase"] for event in events if event["type"] == "progress"][-1] == "Saving"
    (metrics,) = [event for event in events if event["type"] == "metrics"]
    assert 0 <= metrics["averagePrecision"] <= 1

    rest = [event async for event in read_events(api, path, after=3)]
    assert rest == events[3:]
    over = await api.get(path, headers={"Last-Event-ID": str(len(events))})
    assert (over.status_code, over.content) == (204, b"")
    beyond = await api.get(path, headers={"Last-Event-ID": str(len(events) + 1)})
    refused(beyond, 400, "BadRequestInvalid")


async def test_a_project_is_trained_as_clients_do_it(api: httpx.AsyncClient, suite: TrainingSuite) -> None:
    """Train answers Training at once; then Completed, figures, and no second training of the same photos.

    One that is forced is told event by event; who has all events is told to stay away.
    """
    project_id, tag_ids = await suite.colored_project(per_tag=10)
    train = f"/projects/{project_id}/train"
    query = {"reservedBudgetInHours": "0", "forceTrain": "false"}
    answer = await api.post(train, params=query, headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.status_code == 200
    started = answer.json()
    assert (started["status"], started["name"], started["trainingType"]) == ("Training", "Iteration 1", "Regular")
    refused(await api.post(train, params={"forceTrain": "true"}), 400, "BadRequestTrainingAlreadyInProgress")
    completed = await trained(api, project_id, started["id"])
    assert (completed["status"], completed["trainingTimeInMinutes"]) == ("Completed", 1)

    message = refused(await api.post(train, params=query), 400, "BadRequestTrainingNotNeeded")
    assert message.startswith("Nothing changed since last training")

    path = f"/projects/{project_id}/iterations/{started['id']}/performance"
    performance = (await api.get(path)).json()
    assert set(performance) == {
        "perTagPerformance",
        "precision",
        "precisionStdDeviation",
        "recall",
        "recallStdDeviation",
        "averagePrecision",
    }
    assert [tag["id"] for tag in performance["perTagPerformance"]] == tag_ids
    assert 0.5 < performance["averagePrecision"] <= 1
    assert performance == (await api.get(path, params={"threshold": "0.5", "overlapThreshold": "0.3"})).json()
    strict = (await api.get(path, params={"threshold": "1"})).json()
    assert strict["recall"] < performance["recall"]
    for wrong in ("1.5", "-1", "NaN", "high"):
        refused(await api.get(path, params={"threshold": wrong}), 400, "BadRequestInvalid")

    forced = (await api.post(train, params={"forceTrain": "true"})).json()
    assert (forced["status"], forced["name"]) == ("Training", "Iteration 2")
    await told_from_start_to_end(api, f"/projects/{project_id}/iterations/{forced['id']}/events")
    assert (await trained(api, project_id, forced["id"]))["status"] == "Completed"


@pytest.mark.parametrize(
    ("multilabel", "code"),
    [
        (False, "BadRequestMultiClassClassificationTrainingValidationFailed"),
        (True, "BadRequestMultiLabelClassificationTrainingValidationFailed"),
    ],
)
async def test_too_little_to_train_on_is_told_by_type(
    api: httpx.AsyncClient, suite: TrainingSuite, *, multilabel: bool, code: str
) -> None:
    """Too few tags or images have the code of the classification type, and a sentence that names the tag."""
    project_id = (await make_project(suite.project, multilabel=multilabel)).project_id
    rose, dahlia = [await make_tag(suite.project, project_id, name) for name in ("rose", "dahlia")]
    await add_photos(suite.project, project_id, range(5), [rose])
    assert "rose" in refused(await api.post(f"/projects/{project_id}/train"), 400, code)
    await add_photos(suite.project, project_id, range(10, 13), [dahlia])
    message = refused(await api.post(f"/projects/{project_id}/train"), 400, code)
    assert "dahlia" in message
    assert "3" in message
    assert (await api.get(f"/projects/{project_id}/iterations")).json() == []


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        ({"trainingType": "Thorough"}, {}, "BadRequestInvalid"),
        ({"reservedBudgetInHours": "-1"}, {}, "BadRequestInvalid"),
        ({"reservedBudgetInHours": "99999999999999999999"}, {}, "BadRequestInvalid"),
        (
            {"trainingType": "Advanced", "reservedBudgetInHours": "25"},
            {},
            "BadRequestReservedBudgetInHoursNotEnoughForAdvancedTraining",
        ),
        ({}, {"selectedTags": ["rose"]}, "BadRequestInvalid"),
        ({}, {"customBaseModelInfo": {"projectId": MISSING}}, "BadRequestInvalid"),
    ],
)
async def test_bad_wishes_for_a_training_are_refused(
    api: httpx.AsyncClient, suite: TrainingSuite, query: dict[str, str], body: dict[str, Any], code: str
) -> None:
    """What a training cannot be is refused with its code, and none begins."""
    project_id, _ = await make_trainable(suite.project)
    refused(await api.post(f"/projects/{project_id}/train", params=query, json=body), 400, code)
    assert (await api.get(f"/projects/{project_id}/iterations")).json() == []


async def test_a_project_that_is_not_there_is_not_trained(api: httpx.AsyncClient) -> None:
    """An unknown project is told as such."""
    refused(await api.post(f"/projects/{MISSING}/train"), 404, "NotFoundProject")


async def asked_of_training(
    served: ServedGateway, project_id: str, query: dict[str, str], body: dict[str, Any]
) -> training_service_pb2.StartTrainingRequest:
    """Returns what the training service is asked for by this call of TrainProject."""
    iteration = await complete(served.project, await freeze(served.project, project_id, force=True))
    run = training_service_pb2.TrainingRun(iteration_id=iteration.iteration_id)
    served.scripted.answer({"StartTraining": lambda _: run})
    answer = await served.client.post(f"{TRAINING_API}/projects/{project_id}/train", params=query, json=body)
    assert answer.status_code == 200, answer.text
    (request,) = served.requests("StartTraining")
    assert isinstance(request, training_service_pb2.StartTrainingRequest)
    return request


async def test_wishes_reach_the_training_service(served: ServedGateway) -> None:
    """Type, budget, tags and base model arrive as the contract has them; a base model makes a training advanced."""
    project_id, tag_ids = await make_trainable(served.project)
    quick = await asked_of_training(served, project_id, {"reservedBudgetInHours": "3"}, {})
    assert quick.training_type == iterations_pb2.TRAINING_TYPE_QUICK
    assert not quick.HasField("training_budget")
    advanced = {"trainingType": "advanced", "forceTrain": "true", "notificationEmailAddress": "a@example.net"}
    default = await asked_of_training(served, project_id, {**advanced, "reservedBudgetInHours": "0"}, {})
    assert (default.training_type, default.force) == (iterations_pb2.TRAINING_TYPE_ADVANCED, True)
    assert not default.HasField("training_budget")
    body = {"selectedTags": tag_ids, "customBaseModelInfo": {"projectId": project_id, "iterationId": MISSING}}
    two_hours = await asked_of_training(served, project_id, {**advanced, "reservedBudgetInHours": "2"}, {})
    assert two_hours.training_budget.seconds == 7200
    based = await asked_of_training(served, project_id, {}, body)
    assert based.training_type == iterations_pb2.TRAINING_TYPE_ADVANCED
    assert (list(based.selected_tag_ids), based.base_project_id) == (tag_ids, project_id)
    assert based.base_iteration_id == MISSING
