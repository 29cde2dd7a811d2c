"""From a published iteration to its answers."""

import time
from functools import partial
from pathlib import Path

import grpc

from customvision.client.errors import CustomVisionError
from customvision.client.operations.image_files import read_image
from customvision.client.operations.paging import PAGE_SIZE
from customvision.client.steps import Call, Sleep, Steps, Work
from customvision.v1 import iterations_pb2, prediction_service_pb2

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5


def publish(
    project_id: str, iteration_id: str, publish_name: str, overwrite: bool, publish_target: str
) -> Steps[iterations_pb2.Iteration]:
    """Puts an iteration into service under a name and returns it."""
    request = iterations_pb2.PublishIterationRequest(
        project_id=project_id,
        iteration_id=iteration_id,
        publish_name=publish_name,
        overwrite=overwrite,
        publish_target=publish_target,
    )
    iteration: iterations_pb2.Iteration = yield Call("project", "PublishIteration", request)
    return iteration


def wait_until_served(project_id: str, publish_name: str, iteration_id: str, timeout_seconds: float) -> Steps[None]:
    """Returns once predictions under the name are answered by the iteration.

    Raises CustomVisionError: MODEL_NOT_LOADED, with the reason, where it cannot be; MODEL_NOT_SERVED_IN_TIME.
    """
    deadline = time.monotonic() + timeout_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        away = None
        try:
            if (yield from _is_served(project_id, publish_name, iteration_id)):
                return
        except CustomVisionError as error:
            if not error.is_transient:
                raise
            away = error
        if time.monotonic() + pause > deadline:
            raise away or CustomVisionError(
                "MODEL_NOT_SERVED_IN_TIME",
                f"The prediction service has not loaded '{publish_name}' after {timeout_seconds:g} seconds. "
                "See `customvision models` and its log.",
                grpc.StatusCode.DEADLINE_EXCEEDED,
            )
        yield Sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def predict(
    project_id: str, image: bytes | Path | str, publish_name: str, iteration_id: str, store: bool, application: str
) -> Steps[prediction_service_pb2.PredictResponse]:
    """Returns the answer for one image: a file's bytes, its path, or its URL."""
    request = prediction_service_pb2.PredictRequest(
        project_id=project_id,
        publish_name=publish_name,
        iteration_id=iteration_id,
        store=store,
        application=application,
    )
    if isinstance(image, str):
        request.image_url = image
    else:
        request.image_data = image if isinstance(image, bytes) else (yield Work(partial(read_image, image))).data
    answer: prediction_service_pb2.PredictResponse = yield Call("prediction", "Predict", request)
    return answer


def _is_served(project_id: str, publish_name: str, iteration_id: str) -> Steps[bool]:
    request = prediction_service_pb2.ListModelsRequest(project_id=project_id, page_size=PAGE_SIZE)
    answer: prediction_service_pb2.ListModelsResponse = yield Call("prediction", "ListModels", request)
    model = next((model for model in answer.models if model.publish_name == publish_name), None)
    if model is None:
        return False
    if model.state == prediction_service_pb2.MODEL_STATE_FAILED and model.iteration_id == iteration_id:
        message = f"The prediction service could not load '{publish_name}': {model.failure_reason}"
        raise CustomVisionError("MODEL_NOT_LOADED", message, grpc.StatusCode.FAILED_PRECONDITION)
    return model.serving_iteration_id == iteration_id
