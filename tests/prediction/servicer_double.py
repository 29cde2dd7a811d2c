"""A small project service that serves from memory and misbehaves when told to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from customvision.common.errors import NotFound
from customvision.common.server import TRAINING_KEY_ONLY, ServiceDefinition
from customvision.v1 import artifacts_pb2, images_pb2, iterations_pb2, stored_predictions_pb2, suggestions_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceServicer, add_ProjectServiceServicer_to_server
from customvision.vision.artifacts import ModelArtifact, digest_of
from models import backbone

Context = grpc.aio.ServicerContext[Any, Any]
Event = iterations_pb2.PublishedModelEvent


class IterationNotFound(NotFound):
    """The project has no such iteration."""

    reason = "ITERATION_NOT_FOUND"


class ProjectDouble(ProjectServiceServicer):
    """Holds artifacts, published models, iterations and images.

    ``truncated`` digests are served without their last byte; ``away`` ones answer UNAVAILABLE; ``held`` artifacts
    wait for their event. ``fetched`` lists every digest asked for; ``recorded`` every stored prediction.
    ``batches`` are the sizes of those that came together; without ``batched`` it is one of an earlier version, that
    knows no batches. ``refused`` are the codes that predictions of some projects are refused with.
    ``suggested`` every call that records suggestions, of which those for images in ``tagged`` are left out.
    """

    def __init__(self) -> None:
        self.artifacts: dict[str, bytes] = {}
        self.iterations: dict[tuple[str, str], iterations_pb2.Iteration] = {}
        self.images: dict[str, bytes] = {}
        self.tagged: set[str] = set()
        self.suggested: list[suggestions_pb2.RecordSuggestionsRequest] = []
        self.published: dict[tuple[str, str], iterations_pb2.PublishedModel] = {}
        self.truncated: set[str] = set()
        self.away: set[str] = set()
        self.held: dict[str, asyncio.Event] = {}
        self.fetched: list[str] = []
        self.recorded: list[stored_predictions_pb2.RecordPredictionRequest] = []
        self.batches: list[int] = []
        self.batched = True
        self.refused: dict[str, grpc.StatusCode] = {}
        self.recording = asyncio.Event()
        self.recording.set()
        self._watches: list[asyncio.Queue[Event | None]] = []
        self.add_artifact(backbone().to_bytes())

    def add_artifact(self, data: bytes) -> str:
        """Stores an artifact and returns its digest."""
        self.artifacts[digest_of(data)] = data
        return digest_of(data)

    def publish(
        self,
        project_id: str,
        publish_name: str,
        iteration_id: str,
        artifact: ModelArtifact | None = None,
        *,
        model_sha256: str = "",
        backbone_sha256: str = "",
    ) -> str:
        """Publishes a model under a name and tells it; returns the digest of the model's artifact."""
        if artifact is not None:
            model_sha256 = self.add_artifact(artifact.to_bytes())
            backbone_sha256 = backbone_sha256 or artifact.backbone_sha256
        published = iterations_pb2.PublishedModel(
            project_id=project_id,
            publish_name=publish_name,
            iteration_id=iteration_id,
            artifacts=iterations_pb2.IterationArtifacts(model_sha256=model_sha256, backbone_sha256=backbone_sha256),
        )
        self.published[project_id, publish_name] = published
        self._tell(Event(published=published))
        return model_sha256

    def complete(self, project_id: str, iteration_id: str, artifact: ModelArtifact) -> str:
        """Has the project have a completed iteration; returns the digest of its model's artifact."""
        model_sha256 = self.add_artifact(artifact.to_bytes())
        self.iterations[project_id, iteration_id] = iterations_pb2.Iteration(
            project_id=project_id,
            iteration_id=iteration_id,
            status=iterations_pb2.ITERATION_STATUS_COMPLETED,
            artifacts=iterations_pb2.IterationArtifacts(
                model_sha256=model_sha256, backbone_sha256=artifact.backbone_sha256
            ),
        )
        return model_sha256

    def unpublish(self, project_id: str, publish_name: str) -> None:
        """Takes a name out of service and tells it."""
        del self.published[project_id, publish_name]
        name = iterations_pb2.UnpublishedModel(project_id=project_id, publish_name=publish_name)
        self._tell(Event(unpublished=name))

    def end_watches(self) -> None:
        """Ends every watch that is open now."""
        for queue in self._watches:
            queue.put_nowait(None)
        self._watches.clear()

    def definition(self) -> ServiceDefinition:
        """Returns what a server needs to serve this."""
        return ServiceDefinition(
            name="project",
            full_name="customvision.v1.ProjectService",
            register=lambda server: add_ProjectServiceServicer_to_server(self, server),
            roles=TRAINING_KEY_ONLY,
            end_streams=self.end_watches,
        )

    async def WatchPublishedModels(
        self, request: iterations_pb2.WatchPublishedModelsRequest, context: Context
    ) -> AsyncIterator[Event]:
        """Tells what is published, then every change."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._watches.append(queue)
        for published in list(self.published.values()):
            yield Event(published=published)
        yield Event(synchronized=iterations_pb2.PublishedModelsSynchronized())
        while (event := await queue.get()) is not None:
            yield event

    async def GetArtifact(
        self, request: artifacts_pb2.GetArtifactRequest, context: Context
    ) -> AsyncIterator[artifacts_pb2.ArtifactChunk]:
        """Streams an artifact, or what is left of it."""
        self.fetched.append(request.sha256)
        if request.sha256 in self.held:
            await self.held[request.sha256].wait()
        if request.sha256 in self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        if request.sha256 not in self.artifacts:
            raise NotFound("There is no such artifact.")
        data = self.artifacts[request.sha256]
        if request.sha256 in self.truncated:
            data = data[:-1]
        for start in range(0, len(data), 2**20):
            yield artifacts_pb2.ArtifactChunk(data=data[start : start + 2**20])

    async def GetIteration(
        self, request: iterations_pb2.GetIterationRequest, context: Context
    ) -> iterations_pb2.Iteration:
        """Returns an iteration that the project has."""
        found = self.iterations.get((request.project_id, request.iteration_id))
        if found is None:
            raise IterationNotFound("The project has no such iteration.")
        return found

    async def DownloadImages(
        self, request: images_pb2.DownloadImagesRequest, context: Context
    ) -> AsyncIterator[images_pb2.ImageContentChunk]:
        """Streams images in small pieces, and says which are missing."""
        for image_id in request.image_ids:
            data = self.images.get(image_id)
            if data is None:
                yield images_pb2.ImageContentChunk(image_id=image_id, missing=True, last=True)
                continue
            for start in range(0, len(data), 1000):
                end = start + 1000
                yield images_pb2.ImageContentChunk(image_id=image_id, data=data[start:end], last=end >= len(data))

    async def RecordSuggestions(
        self, request: suggestions_pb2.RecordSuggestionsRequest, context: Context
    ) -> suggestions_pb2.RecordSuggestionsResponse:
        """Keeps suggestions and says how it kept them."""
        self.suggested.append(request)
        response = suggestions_pb2.RecordSuggestionsResponse()
        for suggestion in request.suggestions:
            if suggestion.image_id not in self.tagged:
                kept = response.suggestions.add()
                kept.CopyFrom(suggestion)
                kept.project_id, kept.iteration_id, kept.uncertainty = request.project_id, request.iteration_id, 0.25
                kept.create_time.FromSeconds(1_800_000_000)
        return response

    async def RecordPrediction(
        self, request: stored_predictions_pb2.RecordPredictionRequest, context: Context
    ) -> stored_predictions_pb2.StoredPrediction:
        """Keeps a prediction, once ``recording`` is set, unless it is refused."""
        await self.recording.wait()
        if request.project_id in self.refused:
            await context.abort(self.refused[request.project_id], "refused")
        self.recorded.append(request)
        return stored_predictions_pb2.StoredPrediction(prediction_id=request.prediction_id)

    async def RecordPredictions(
        self, request: stored_predictions_pb2.RecordPredictionsRequest, context: Context
    ) -> stored_predictions_pb2.RecordPredictionsResponse:
        """Keeps a batch, once ``recording`` is set, but for those that are refused."""
        if not self.batched:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
        await self.recording.wait()
        self.batches.append(len(request.predictions))
        response = stored_predictions_pb2.RecordPredictionsResponse()
        for prediction in request.predictions:
            result = response.results.add(prediction_id=prediction.prediction_id)
            if prediction.project_id in self.refused:
                result.code, result.message = self.refused[prediction.project_id].value[0], "refused"
            else:
                self.recorded.append(prediction)
        return response

    def _tell(self, event: Event) -> None:
        for queue in self._watches:
            queue.put_nowait(event)
