"""Predictions that are kept in batches."""

import asyncio

import grpc

from customvision.v1 import projects_pb2, stored_predictions_pb2
from project.test_kept_predictions import listed, prediction_content, recording
from project_calls import MISSING, Stub, make_project, refusal_of

OK = grpc.StatusCode.OK.value[0]


async def record(
    stub: Stub, *predictions: stored_predictions_pb2.RecordPredictionRequest
) -> list[stored_predictions_pb2.RecordPredictionResult]:
    """Keeps a batch and returns what became of each."""
    request = stored_predictions_pb2.RecordPredictionsRequest(predictions=predictions)
    return list((await stub.RecordPredictions(request)).results)


async def test_a_batch_of_several_projects_is_kept(stub: Stub) -> None:
    """Each is listed in its project as if it had come alone, and its image can be read."""
    one, other = [(await make_project(stub)).project_id for _ in range(2)]
    batch = [recording(one, 1), recording(other, 2, application="gate"), recording(one, 3)]
    results = await record(stub, *batch)
    assert [(result.prediction_id, result.code, result.message) for result in results] == [
        (it.prediction_id, OK, "") for it in batch
    ]
    kept = await listed(stub, one)
    assert [it.prediction_id for it in kept] == [batch[2].prediction_id, batch[0].prediction_id]
    [elsewhere] = await listed(stub, other)
    assert (elsewhere.application, list(elsewhere.predictions)) == ("gate", list(batch[1].predictions))
    alone = await stub.RecordPrediction(batch[1])
    assert alone == elsewhere
    assert (await prediction_content(stub, other, elsewhere.prediction_id))[1] == "image/jpeg"


async def test_repeating_a_batch_changes_nothing(stub: Stub) -> None:
    """Sent again, also twice in one batch or at the same time, each is there once."""
    project_id = (await make_project(stub)).project_id
    batch = [recording(project_id, seed) for seed in range(3)]
    answers = await asyncio.gather(*(record(stub, *batch, batch[0]) for _ in range(3)))
    assert {result.code for results in answers for result in results} == {OK}
    before = await listed(stub, project_id)
    assert len(before) == 3
    await record(stub, *batch)
    assert await listed(stub, project_id) == before


async def test_what_is_wrong_with_one_is_its_own_result(stub: Stub) -> None:
    """Codes and messages are those of RecordPrediction; the others of the batch are kept."""
    project_id = (await make_project(stub)).project_id
    kept = recording(project_id, 1)
    await stub.RecordPrediction(kept)
    unlikely = [stored_predictions_pb2.TagProbability(tag_id="x", probability=1.5)]
    bad = [
        recording(project_id, 2, prediction_id="7"),
        recording(project_id, 2, prediction_id=kept.prediction_id),
        recording(project_id, 2, image_data=b"text"),
        recording(project_id, 2, application="x" * 257),
        recording(project_id, 2, predictions=unlikely),
        recording(MISSING, 2),
    ]
    good = [recording(project_id, seed) for seed in (3, 4)]
    results = await record(stub, good[0], *bad, good[1])
    assert [results[0].code, results[-1].code] == [OK, OK]
    for request, result in zip(bad, results[1:-1], strict=True):
        refusal = await refusal_of(stub.RecordPrediction(request))
        assert (result.code, result.message) == (refusal.code.value[0], refusal.message)
        assert result.prediction_id == request.prediction_id
    assert [it.prediction_id for it in await listed(stub, project_id)] == [
        it.prediction_id for it in (good[1], good[0], kept)
    ]


async def test_a_project_that_is_deleted_loses_its_own_only(stub: Stub) -> None:
    """The next batch after the deletion keeps what belongs to others."""
    gone, stays = [(await make_project(stub)).project_id for _ in range(2)]
    await stub.DeleteProject(projects_pb2.DeleteProjectRequest(project_id=gone))
    results = await record(stub, recording(gone, 1), recording(stays, 2))
    assert [result.code for result in results] == [grpc.StatusCode.NOT_FOUND.value[0], OK]
    assert gone in results[0].message
    assert len(await listed(stub, stays)) == 1


async def test_batches_have_limits(stub: Stub) -> None:
    """None and more than 64 are refused as a whole, and nothing is kept."""
    project_id = (await make_project(stub)).project_id
    for count, reason in ((0, "NOTHING_GIVEN"), (65, "TOO_MANY_ITEMS")):
        refusal = await refusal_of(record(stub, *[recording(project_id, 1)] * count))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
        assert refusal.fields == ["predictions"]
    assert not await listed(stub, project_id)
