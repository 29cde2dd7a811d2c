"""What prediction asks of the project service, in prediction's own words."""

import contextlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from datetime import UTC
from typing import TYPE_CHECKING

import grpc

from customvision.common.status import error_from_call
from customvision.prediction.errors import IterationNotCompleted
from customvision.prediction.model import TagProbability
from customvision.prediction.publication import (
    ModelName,
    PublicationChange,
    PublishedModel,
    Synchronized,
    Unpublished,
)
from customvision.prediction.suggestions import DownloadedImage, ImageAnswer, Suggestion
from customvision.v1 import artifacts_pb2, images_pb2, iterations_pb2, stored_predictions_pb2, suggestions_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import ArtifactInvalid

if TYPE_CHECKING:
    from customvision.v1.project_service_pb2_grpc import ProjectServiceAsyncStub

ARTIFACT_SECONDS = 60.0
RECORD_SECONDS = 10.0
ITERATION_SECONDS = 10.0
IMAGES_SECONDS = 60.0
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

    async def find_iteration(self, project_id: str, iteration_id: str) -> PublishedModel:
        """Returns what a completed iteration is made of, under no publish name. Raises IterationNotCompleted."""
        request = iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=iteration_id)
        with _translated_errors():
            iteration = await self._stub.GetIteration(request, timeout=ITERATION_SECONDS)
        if iteration.status != iterations_pb2.ITERATION_STATUS_COMPLETED:
            raise IterationNotCompleted(iteration_id)
        return PublishedModel(
            name=ModelName(iteration.project_id, ""),
            iteration_id=iteration.iteration_id,
            model_sha256=iteration.artifacts.model_sha256,
            backbone_sha256=iteration.artifacts.backbone_sha256,
        )

    async def download_images(self, project_id: str, image_ids: Sequence[str]) -> AsyncGenerator[DownloadedImage, None]:
        """Yields images of a project in the order asked for."""
        call = self._stub.DownloadImages(
            images_pb2.DownloadImagesRequest(project_id=project_id, image_ids=image_ids), timeout=IMAGES_SECONDS
        )
        data = bytearray()
        try:
            with _translated_errors():
                async for chunk in call:
                    data += chunk.data
                    if chunk.last:
                        yield DownloadedImage(chunk.image_id, None if chunk.missing else bytes(data))
                        data.clear()
        finally:
            call.cancel()

    async def record_suggestions(
        self, project_id: str, iteration_id: str, answers: Sequence[ImageAnswer]
    ) -> list[Suggestion]:
        """Keeps answers in place of earlier ones, and returns those that were kept, in order."""
        request = suggestions_pb2.RecordSuggestionsRequest(
            project_id=project_id,
            iteration_id=iteration_id,
            suggestions=[
                suggestions_pb2.Suggestion(
                    image_id=answer.image_id, predictions=tag_probability_messages(answer.predictions)
                )
                for answer in answers
            ],
        )
        with _translated_errors():
            response = await self._stub.RecordSuggestions(request, timeout=RECORD_SECONDS)
        return [_suggestion(message) for message in response.suggestions]


def tag_probability_messages(predictions: Iterable[TagProbability]) -> list[stored_predictions_pb2.TagProbability]:
    """Returns the messages of an answer."""
    return [
        stored_predictions_pb2.TagProbability(tag_id=tag.tag_id, tag_name=tag.tag_name, probability=tag.probability)
        for tag in predictions
    ]


def _suggestion(message: suggestions_pb2.Suggestion) -> Suggestion:
    return Suggestion(
        image_id=message.image_id,
        project_id=message.project_id,
        iteration_id=message.iteration_id,
        predictions=tuple(TagProbability(tag.tag_id, tag.tag_name, tag.probability) for tag in message.predictions),
        uncertainty=message.uncertainty,
        create_time=message.create_time.ToDatetime(UTC),
    )


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
