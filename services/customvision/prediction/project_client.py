"""What prediction asks of the project service, in prediction's own words."""

import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING

import grpc

from customvision.common.status import error_from_call
from customvision.prediction.publication import (
    ModelName,
    PublicationChange,
    PublishedModel,
    Synchronized,
    Unpublished,
)
from customvision.prediction.stored_predictions import PredictionRecord
from customvision.v1 import artifacts_pb2, iterations_pb2, stored_predictions_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import ArtifactInvalid

if TYPE_CHECKING:
    from customvision.v1.project_service_pb2_grpc import ProjectServiceAsyncStub

ARTIFACT_SECONDS = 60.0
RECORD_SECONDS = 10.0
MAX_ARTIFACT_BYTES = 1024**3


class ProjectClient:
    """Calls the project service. Every method raises a kind of ServiceError where a call fails."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: ProjectServiceAsyncStub = ProjectServiceStub(channel)

    async def watch_published_models(self) -> AsyncGenerator[PublicationChange, None]:
        """Yields every published model, then Synchronized, then each change; ends when the service drains."""
        call = self._stub.WatchPublishedModels(iterations_pb2.WatchPublishedModelsRequest())
        try:
            with _translated_errors():
                async for event in call:
                    change = _change_of(event)
                    if change is not None:
                        yield change
        finally:
            call.cancel()

    async def get_artifact(self, sha256: str) -> bytes:
        """Returns an artifact's bytes, not yet verified. Raises ArtifactInvalid where it is absurdly large."""
        data = bytearray()
        with _translated_errors():
            request = artifacts_pb2.GetArtifactRequest(sha256=sha256)
            async for chunk in self._stub.GetArtifact(request, timeout=ARTIFACT_SECONDS):
                data += chunk.data
                if len(data) > MAX_ARTIFACT_BYTES:
                    raise ArtifactInvalid(f"The artifact {sha256} is larger than {MAX_ARTIFACT_BYTES:,} bytes.")
        return bytes(data)

    async def record_prediction(self, record: PredictionRecord) -> None:
        """Keeps an answer in its project; repeating it changes nothing."""
        request = stored_predictions_pb2.RecordPredictionRequest(
            prediction_id=record.prediction_id,
            project_id=record.published.name.project_id,
            publish_name=record.published.name.publish_name,
            iteration_id=record.published.iteration_id,
            image_data=record.image_data,
            predictions=[
                stored_predictions_pb2.TagProbability(
                    tag_id=tag.tag_id, tag_name=tag.tag_name, probability=tag.probability
                )
                for tag in record.predictions
            ],
        )
        with _translated_errors():
            await self._stub.RecordPrediction(request, timeout=RECORD_SECONDS)


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        raise error_from_call(error, service="project") from error


def _change_of(event: iterations_pb2.PublishedModelEvent) -> PublicationChange | None:
    match event.WhichOneof("event"):
        case "published":
            told = event.published
            return PublishedModel(
                name=ModelName(told.project_id, told.publish_name),
                iteration_id=told.iteration_id,
                model_sha256=told.artifacts.model_sha256,
                backbone_sha256=told.artifacts.backbone_sha256,
            )
        case "unpublished":
            return Unpublished(ModelName(event.unpublished.project_id, event.unpublished.publish_name))
        case "synchronized":
            return Synchronized()
    # A heartbeat, or an event that a newer project service tells.
    return None
