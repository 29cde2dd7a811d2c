"""Predictions that are kept with their image: recorded, listed, deleted, made into training images."""

import asyncio
import dataclasses
import hashlib
import io
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import grpc
from PIL import Image

from customvision.common.server import ServiceDefinition
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service
from customvision.v1 import images_pb2, project_service_pb2_grpc, stored_predictions_pb2
from pictures import encoded, photo, picture
from project_calls import (
    MISSING,
    Stub,
    add_images,
    all_of,
    content_of,
    image_list,
    make_project,
    make_tag,
    refusal_of,
)

ServeService = Callable[[ServiceDefinition], AbstractAsyncContextManager[grpc.aio.Channel]]


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
    for prediction_id in ("", "7", "rose", MISSING + "0"):
        refusal = await refusal_of(stub.RecordPrediction(recording(project_id, 1, prediction_id=prediction_id)))
        assert (refusal.reason, refusal.fields) == ("PREDICTION_ID_INVALID", ["prediction_id"])
    assert (await refusal_of(stub.RecordPrediction(recording(MISSING, 1)))).reason == "PROJECT_NOT_FOUND"
    assert not await listed(stub, project_id)


async def prediction_content(
    stub: Stub,
    project_id: str,
    prediction_id: str,
    variant: images_pb2.ImageVariant.ValueType = 0,  # type: ignore[assignment]
) -> tuple[bytes, str]:
    """Returns the bytes of a stored prediction's image, and their content type."""
    request = stored_predictions_pb2.GetPredictionContentRequest(
        project_id=project_id, prediction_id=prediction_id, variant=variant
    )
    chunks = await all_of(stub.GetPredictionContent(request))
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert not any(chunk.image_id or chunk.missing for chunk in chunks)
    return b"".join(chunk.data for chunk in chunks), chunks[0].content_type


async def test_the_image_of_a_kept_prediction_can_be_looked_at(stub: Stub) -> None:
    """Whole, as its digest says, in pieces; and as a thumbnail."""
    project_id = (await make_project(stub)).project_id
    large = encoded(picture(1, size=(1100, 900)), "PNG")
    kept = await stub.RecordPrediction(recording(project_id, 1, image_data=large))
    data, content_type = await prediction_content(stub, project_id, kept.prediction_id.upper())
    assert (hashlib.sha256(data).hexdigest(), content_type) == (kept.content_sha256, "image/png")
    assert len(data) > 2**20
    thumbnail = images_pb2.IMAGE_VARIANT_THUMBNAIL
    data, content_type = await prediction_content(stub, project_id, kept.prediction_id, thumbnail)
    with Image.open(io.BytesIO(data)) as small:
        assert (small.format, small.size, content_type) == ("JPEG", (256, 209), "image/jpeg")


async def test_the_image_of_a_prediction_that_is_not_there_is_not_found(stub: Stub, settings: Settings) -> None:
    """Another project's, an unknown one, and one whose file is lost, each by its reason."""
    one, other = [(await make_project(stub)).project_id for _ in range(2)]
    kept = await stub.RecordPrediction(recording(one, 1))
    for project_id, prediction_id, reason in (
        (other, kept.prediction_id, "PREDICTION_NOT_FOUND"),
        (one, "../keys.json", "PREDICTION_NOT_FOUND"),
        (MISSING, kept.prediction_id, "PROJECT_NOT_FOUND"),
    ):
        refusal = await refusal_of(prediction_content(stub, project_id, prediction_id))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, reason)
    (settings.home / "project" / "blobs" / kept.content_sha256[:2] / kept.content_sha256[2:]).unlink()
    refusal = await refusal_of(prediction_content(stub, one, kept.prediction_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PREDICTION_FILE_LOST")


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


async def test_an_unknown_prediction_is_the_result_of_its_correction(stub: Stub) -> None:
    """A prediction that is gone, as after its thirty days, does not hold up the others of its batch."""
    project_id = (await make_project(stub)).project_id
    rose = await make_tag(stub, project_id, "rose")
    kept = [await stub.RecordPrediction(recording(project_id, seed)) for seed in (1, 2)]
    ids = [kept[0].prediction_id, MISSING, kept[1].prediction_id]
    results = await correct(stub, project_id, {prediction_id: [rose] for prediction_id in ids})
    ok, source = images_pb2.IMAGE_CREATE_STATUS_OK, images_pb2.IMAGE_CREATE_STATUS_ERROR_SOURCE
    assert [(result.index, result.status) for result in results] == [(0, ok), (1, source), (2, ok)]
    assert MISSING in results[1].message
    assert not await listed(stub, project_id)
    assert len(await image_list(stub, project_id)) == 2


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


async def test_predictions_older_than_the_setting_go_once_the_service_runs(
    settings: Settings, serve_service: ServeService
) -> None:
    """What is too old when the service starts is removed soon after, without anybody's doing."""
    async with open_project_service(settings) as definition, serve_service(definition) as channel:
        stub = project_service_pb2_grpc.ProjectServiceStub(channel)
        project_id = (await make_project(stub)).project_id
        await stub.RecordPrediction(recording(project_id, 1))
        assert await listed(stub, project_id)
    forgetful = dataclasses.replace(settings, prediction_retention_seconds=1e-6)
    async with open_project_service(forgetful) as definition, serve_service(definition) as channel:
        stub = project_service_pb2_grpc.ProjectServiceStub(channel)
        async with asyncio.timeout(30):
            while await listed(stub, project_id):
                pass
