"""Predictions that are kept with their image: recorded, listed, deleted, made into training images."""

import uuid

import grpc

from customvision.v1 import images_pb2, stored_predictions_pb2
from pictures import photo
from project_calls import (
    MISSING,
    Stub,
    add_images,
    content_of,
    image_list,
    make_project,
    make_tag,
    refusal_of,
)


def recording(project_id: str, seed: int, **fields: object) -> stored_predictions_pb2.RecordPredictionRequest:
    """Returns a request that keeps the answer for a drawn photo."""
    values: dict[str, object] = {
        "prediction_id": str(uuid.uuid4()),
        "project_id": project_id,
        "iteration_id": MISSING,
        "publish_name": "live",
        "image_data": photo(seed),
        "predictions": [
            stored_predictions_pb2.TagProbability(tag_id=MISSING, tag_name="rose", probability=0.75),
            stored_predictions_pb2.TagProbability(tag_id="", tag_name="🌷", probability=0.25),
        ],
    }
    return stored_predictions_pb2.RecordPredictionRequest(**(values | fields))  # type: ignore[arg-type]


async def listed(stub: Stub, project_id: str, **options: object) -> list[stored_predictions_pb2.StoredPrediction]:
    """Returns one page of stored predictions."""
    request = stored_predictions_pb2.ListPredictionsRequest(project_id=project_id, **options)  # type: ignore[arg-type]
    return list((await stub.ListPredictions(request)).predictions)


async def correct(stub: Stub, project_id: str, corrections: dict[str, list[str]]) -> list[images_pb2.ImageCreateResult]:
    """Makes training images of predictions with these tags."""
    request = stored_predictions_pb2.CreateImagesFromPredictionsRequest(
        project_id=project_id,
        corrections=[
            stored_predictions_pb2.PredictionCorrection(prediction_id=prediction_id, tag_ids=tag_ids)
            for prediction_id, tag_ids in corrections.items()
        ],
    )
    return list((await stub.CreateImagesFromPredictions(request)).results)


async def test_predictions_are_kept_as_answered_and_listed_newest_first(stub: Stub) -> None:
    """Names, probabilities and their order come back; a filter selects one iteration's; pages go on."""
    project_id = (await make_project(stub)).project_id
    kept = [await stub.RecordPrediction(recording(project_id, seed)) for seed in range(3)]
    assert [(entry.tag_name, entry.probability) for entry in kept[0].predictions] == [("rose", 0.75), ("🌷", 0.25)]
    assert await listed(stub, project_id) == kept[::-1]
    other = await stub.RecordPrediction(recording(project_id, 9, iteration_id="other"))
    assert await listed(stub, project_id, iteration_id="other") == [other]
    request = stored_predictions_pb2.ListPredictionsRequest(project_id=project_id, page_size=3)
    first = await stub.ListPredictions(request)
    request.page_token = first.next_page_token
    assert [*first.predictions, *(await stub.ListPredictions(request)).predictions] == [other, *kept[::-1]]


async def test_a_repeated_recording_changes_nothing(stub: Stub) -> None:
    """The same id answers what is kept; the id with another photo or project is refused."""
    one, other = [(await make_project(stub)).project_id for _ in range(2)]
    request = recording(one, 1)
    first = await stub.RecordPrediction(request)
    assert await stub.RecordPrediction(request) == first
    assert len(await listed(stub, one)) == 1
    for changed in (recording(one, 2), recording(other, 1)):
        changed.prediction_id = request.prediction_id
        refusal = await refusal_of(stub.RecordPrediction(changed))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "PREDICTION_ID_TAKEN")


async def test_bad_recordings_are_refused(stub: Stub) -> None:
    """No id, an id that is none, a file that is none, a probability above one, an unknown project."""
    project_id = (await make_project(stub)).project_id
    unlikely = [stored_predictions_pb2.TagProbability(tag_id="x", probability=1.5)]
    cases: list[tuple[dict[str, object], str]] = [
        ({"prediction_id": ""}, "prediction_id"),
        ({"prediction_id": "7"}, "prediction_id"),
        ({"image_data": b"text"}, "image_data"),
        ({"publish_name": "x" * 10_000}, "publish_name"),
        ({"predictions": unlikely}, "predictions[0].probability"),
    ]
    for fields, named in cases:
        refusal = await refusal_of(stub.RecordPrediction(recording(project_id, 1, **fields)))
        assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [named])
    assert (await refusal_of(stub.RecordPrediction(recording(MISSING, 1)))).reason == "PROJECT_NOT_FOUND"
    assert not await listed(stub, project_id)


async def test_a_corrected_prediction_becomes_a_training_image(stub: Stub) -> None:
    """Its image joins the data set with the right tag, the prediction goes, and a repeat finds the same image."""
    project_id = (await make_project(stub)).project_id
    rose = await make_tag(stub, project_id, "rose")
    kept = await stub.RecordPrediction(recording(project_id, 1))
    [result] = await correct(stub, project_id, {kept.prediction_id: [rose]})
    assert result.status == images_pb2.IMAGE_CREATE_STATUS_OK
    assert list(result.image.tag_ids) == [rose]
    assert result.image.content_sha256 == kept.content_sha256
    assert await content_of(stub, result.image)
    assert not await listed(stub, project_id)
    [again] = await correct(stub, project_id, {kept.prediction_id: [rose]})
    assert (again.status, again.image_id) == (images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE, result.image_id)
    [uploaded] = await add_images(stub, project_id, [photo(1)], [rose])
    assert (uploaded.status, uploaded.image_id) == (images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE, result.image_id)


async def test_an_unknown_prediction_refuses_the_whole_call(stub: Stub) -> None:
    """Nothing changes then, also not for the predictions that are there."""
    project_id = (await make_project(stub)).project_id
    rose = await make_tag(stub, project_id, "rose")
    kept = await stub.RecordPrediction(recording(project_id, 1))
    refusal = await refusal_of(correct(stub, project_id, {kept.prediction_id: [rose], MISSING: [rose]}))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PREDICTION_NOT_FOUND")
    assert await listed(stub, project_id) == [kept]
    assert not await image_list(stub, project_id)


async def test_a_refused_correction_keeps_its_prediction(stub: Stub) -> None:
    """A tag that is none is this correction's result; the prediction stays for another try."""
    project_id = (await make_project(stub)).project_id
    kept = await stub.RecordPrediction(recording(project_id, 1))
    [result] = await correct(stub, project_id, {kept.prediction_id: [MISSING]})
    assert result.status == images_pb2.IMAGE_CREATE_STATUS_ERROR_INVALID_TAG
    assert await listed(stub, project_id) == [kept]


async def test_deleting_predictions_passes_over_those_that_are_gone(stub: Stub) -> None:
    """The count is of those that were there, in this project only."""
    one, other = [(await make_project(stub)).project_id for _ in range(2)]
    kept = await stub.RecordPrediction(recording(one, 1))
    ids = [kept.prediction_id, MISSING]
    elsewhere = stored_predictions_pb2.DeletePredictionsRequest(project_id=other, prediction_ids=ids)
    assert (await stub.DeletePredictions(elsewhere)).deleted_count == 0
    here = stored_predictions_pb2.DeletePredictionsRequest(project_id=one, prediction_ids=ids)
    assert (await stub.DeletePredictions(here)).deleted_count == 1
    assert (await stub.DeletePredictions(here)).deleted_count == 0
