"""The iterations of the project service, as a run needs them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration

from customvision.common.channel import CALL_SECONDS
from customvision.common.errors import Unavailable
from customvision.common.status import error_from_call
from customvision.training.runs.event import Metrics
from customvision.training.runs.run import TrainingRun
from customvision.training.runs.run_request import RunRequest, TrainingType
from customvision.v1 import artifacts_pb2, images_pb2, iterations_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub

# How long a run puts up with a project service that is away.
PATIENCE_SECONDS = 60.0
MAX_PAUSE_SECONDS = 4.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Model:
    """What a run made: digests of the artifacts in the project service, the backbone it rests on, figures.

    ``fine_tuned``: the backbone is a network of its own, fine-tuned for the project.
    """

    backbone_id: str
    architecture: str
    weights_source: str
    model_sha256: str
    backbone_sha256: str
    backbone_weights_sha256: str
    evaluation_sha256: str
    metrics: Metrics
    warnings: tuple[str, ...]
    fine_tuned: bool = False


class Iterations:
    """Calls the project service. Errors come as this suite's own kinds, with the reason that project gave."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._project = ProjectServiceStub(channel)

    async def create(self, run: TrainingRun, backbone_id: str) -> tuple[str, str]:
        """Freezes the data set; returns the iteration's id and name. Repeating it for a run answers the same."""
        request = _freezing(run.request, backbone_id)
        request.request_id = run.training_run_id
        iteration = await _answer(self._project.CreateIteration(request, timeout=CALL_SECONDS))
        return iteration.iteration_id, iteration.name

    async def check(self, request: RunRequest, backbone_id: str) -> None:
        """Raises what ``create`` would raise for a run of this request, and freezes nothing."""
        freezing = _freezing(request, backbone_id)
        freezing.validate_only = True
        await _answer(self._project.CreateIteration(freezing, timeout=CALL_SECONDS))

    async def is_completed(self, run: TrainingRun) -> bool:
        """True where the project service has the run's model already."""
        request = iterations_pb2.GetIterationRequest(project_id=run.project_id, iteration_id=run.iteration_id)
        iteration = await _answer(self._project.GetIteration(request, timeout=CALL_SECONDS))
        return iteration.status == iterations_pb2.ITERATION_STATUS_COMPLETED

    async def complete(self, run: TrainingRun, model: Model) -> None:
        """Hands the model over. Repeating it changes nothing."""
        request = iterations_pb2.CompleteIterationRequest(
            project_id=run.project_id,
            iteration_id=run.iteration_id,
            backbone=iterations_pb2.Backbone(
                backbone_id=model.backbone_id,
                architecture=model.architecture,
                weights_source=weights_source_of(model.weights_source),
                weights_sha256=model.backbone_weights_sha256,
            ),
            artifacts=iterations_pb2.IterationArtifacts(
                model_sha256=model.model_sha256,
                backbone_sha256=model.backbone_sha256,
                backbone_weights_sha256=model.backbone_weights_sha256,
                evaluation_sha256=model.evaluation_sha256,
            ),
            metrics=iterations_pb2.IterationMetrics(
                precision=model.metrics.precision,
                recall=model.metrics.recall,
                average_precision=model.metrics.average_precision,
                accuracy=model.metrics.accuracy,
                held_out_image_count=model.metrics.held_out_image_count,
            ),
            warnings=model.warnings,
            fine_tuned=model.fine_tuned,
        )
        await _answer(self._project.CompleteIteration(request, timeout=CALL_SECONDS))

    async def fail(self, run: TrainingRun, *, cancelled: bool, reason: str) -> None:
        """Records that the run ended without a model. Repeating it changes nothing."""
        request = iterations_pb2.FailIterationRequest(
            project_id=run.project_id, iteration_id=run.iteration_id, reason=reason, cancelled=cancelled
        )
        await _answer(self._project.FailIteration(request, timeout=CALL_SECONDS))

    async def get(self, project_id: str, iteration_id: str) -> iterations_pb2.Iteration:
        """Returns an iteration as the project service tells it."""
        request = iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=iteration_id)
        return await _answer(self._project.GetIteration(request, timeout=CALL_SECONDS))

    async def completed(self, project_id: str) -> list[iterations_pb2.Iteration]:
        """Returns the project's completed iterations, newest first. Raises NotFound where there is no project."""
        completed: list[iterations_pb2.Iteration] = []
        request = iterations_pb2.ListIterationsRequest(project_id=project_id)
        while True:
            page = await _answer(self._project.ListIterations(request, timeout=CALL_SECONDS))
            completed += [
                found for found in page.iterations if found.status == iterations_pb2.ITERATION_STATUS_COMPLETED
            ]
            if not page.next_page_token:
                return completed
            request.page_token = page.next_page_token

    async def artifact(self, sha256: str) -> bytes:
        """Returns an artifact's bytes."""
        request = artifacts_pb2.GetArtifactRequest(sha256=sha256)
        pieces: list[bytes] = []
        try:
            async for chunk in self._project.GetArtifact(request, timeout=10 * CALL_SECONDS):
                pieces.append(chunk.data)  # noqa: PERF401 - an async stream
        except grpc.RpcError as error:
            raise error_from_call(error, service="project") from error
        return b"".join(pieces)

    async def image_files(self, project_id: str, image_ids: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
        """Yields ids and bytes of images, one after the other; leaves out those that are gone."""
        request = images_pb2.DownloadImagesRequest(project_id=project_id, image_ids=image_ids)
        pieces: list[bytes] = []
        try:
            async for chunk in self._project.DownloadImages(request, timeout=10 * CALL_SECONDS):
                if chunk.missing:
                    continue
                pieces.append(chunk.data)
                if chunk.last:
                    yield chunk.image_id, b"".join(pieces)
                    pieces = []
        except grpc.RpcError as error:
            raise error_from_call(error, service="project") from error


def _freezing(request: RunRequest, backbone_id: str) -> iterations_pb2.CreateIterationRequest:
    return iterations_pb2.CreateIterationRequest(
        project_id=request.project_id,
        training_type=training_type_value(request.training_type),
        backbone_id=backbone_id,
        force=request.force,
        training_budget=duration_of(request.budget_seconds) if request.budget_seconds is not None else None,
        selected_tag_ids=request.selected_tag_ids,
        base_iteration_id=request.base_iteration_id,
        base_project_id=request.base_project_id,
    )


def weights_source_of(name: str) -> "iterations_pb2.WeightsSource.ValueType":
    """Returns the source that goes by that name inside this service, as it travels."""
    return iterations_pb2.WeightsSource.Value(f"WEIGHTS_SOURCE_{name.upper()}")


def training_type_value(training_type: TrainingType) -> "iterations_pb2.TrainingType.ValueType":
    """Returns a training type as it travels."""
    return iterations_pb2.TrainingType.Value(f"TRAINING_TYPE_{training_type.name}")


def duration_of(seconds: float) -> Duration:
    """Returns a time as it travels."""
    message = Duration()
    message.FromNanoseconds(int(seconds * 1_000_000_000))
    return message


async def patiently(
    call: Callable[[], Awaitable[Result]],
    *,
    seconds: float = PATIENCE_SECONDS,
    max_pause_seconds: float = MAX_PAUSE_SECONDS,
) -> Result:
    """Repeats ``call`` with growing pauses while the project service is away. Raises Unavailable after ``seconds``."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause = 0.25
    while True:
        try:
            return await call()
        except Unavailable:
            if loop.time() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, max_pause_seconds)


async def _answer(call: Awaitable[Result]) -> Result:
    try:
        return await call
    except grpc.RpcError as error:
        raise error_from_call(error, service="project") from error
