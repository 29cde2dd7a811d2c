"""The figures of a real prediction service."""

from functools import partial

import grpc
import pytest

from customvision.v1 import prediction_service_pb2 as messages
from models import model
from pictures import photo
from prediction.running_suite import Suite
from told_metrics import get_metrics, until, value_of

RED = photo(1, color=(220, 40, 90))


async def test_stages_models_refusals_and_kept_answers_are_told(suite: Suite) -> None:
    """Each answered image is counted in every stage, each refused one by its reason, each model by its state."""
    suite.project.publish("p", "good", "i", model())
    suite.project.publish("p", "damaged", "j", model_sha256="0" * 64, backbone_sha256=model().backbone_sha256)
    async with suite.prediction() as prediction:
        tell = partial(get_metrics, prediction.channel)
        await until(tell, "customvision_prediction_models", 1, state="failed")
        for store in (False, True):
            await prediction.predict("p", "good", RED, store=store)
        for name, image in (("good", b"no image"), ("missing", RED), ("good", b"none either")):
            with pytest.raises(grpc.aio.AioRpcError):
                await prediction.predict("p", name, image)
        text = await until(tell, "customvision_prediction_stored_sent_total", 1)
    stages = {stage: value_of(text, "customvision_prediction_stage_seconds_count", stage=stage) for stage in STAGES}
    assert stages == {"queue": 4, "decode": 2, "trunk": 2, "head": 2}
    assert value_of(text, "customvision_prediction_models", state="available") == 1
    assert value_of(text, "customvision_prediction_models", state="loading") == 0
    assert value_of(text, "customvision_prediction_refused_total", reason="IMAGE_FORMAT_UNKNOWN") == 2
    assert value_of(text, "customvision_prediction_refused_total", reason="MODEL_NOT_PUBLISHED") == 1
    head = model().head
    assert value_of(text, "customvision_prediction_model_bytes") == head.weights.nbytes + head.bias.nbytes
    assert value_of(text, "customvision_prediction_queue_depth") == 0
    assert value_of(text, "customvision_prediction_stored_waiting") == 0


async def test_images_of_batches_and_streams_are_counted_one_by_one(suite: Suite) -> None:
    """What is wrong with one image among others is counted with its reason, and so is each message of a stream."""
    suite.project.publish("p", "m", "i", model())
    images = (RED, b"no image", RED)
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        batch = messages.PredictBatchRequest(
            project_id="p", publish_name="m", images=[messages.BatchImage(image_data=image) for image in images]
        )
        await prediction.stub.PredictBatch(batch)
        questions = [
            messages.PredictStreamRequest(
                question=messages.PredictRequest(project_id="p", publish_name="m", image_data=image)
            )
            for image in images
        ]
        assert len([answer async for answer in prediction.stub.PredictStream(iter(questions))]) == 3
        text = await get_metrics(prediction.channel)
    assert value_of(text, "customvision_prediction_refused_total", reason="IMAGE_FORMAT_UNKNOWN") == 2
    assert value_of(text, "customvision_prediction_stage_seconds_count", stage="head") == 4
    for method in ("PredictBatch", "PredictStream"):
        assert value_of(text, "grpc_server_handled_total", grpc_method=method, grpc_code="OK") == 1
    assert value_of(text, "grpc_server_msg_received_total", grpc_method="PredictStream") == 3
    assert value_of(text, "grpc_server_msg_sent_total", grpc_method="PredictStream") == 3


STAGES = ("queue", "decode", "trunk", "head")
