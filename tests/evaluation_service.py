"""The calls about how iterations do, served for real on top of a scripted project service that has their artifacts."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np

from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.server import TRAINING_KEY_ONLY, ServiceDefinition
from customvision.training.evaluation.iteration_performance import IterationPerformances
from customvision.training.evaluation.performance import Evaluation
from customvision.training.evaluation.user_test_sets import UserTestSets
from customvision.training.iterations import Iterations
from customvision.training.servicer_evaluation import EvaluationMethods
from customvision.v1 import artifacts_pb2, iterations_pb2, training_service_pb2
from customvision.v1.training_service_pb2_grpc import (
    TrainingServiceServicer,
    TrainingServiceStub,
    add_TrainingServiceServicer_to_server,
)
from customvision.vision.artifacts import ModelArtifact, digest_of
from models import backbone
from scripted_server import ScriptedCall, ScriptedServer

if TYPE_CHECKING:
    from customvision.v1.training_service_pb2_grpc import TrainingServiceAsyncStub

ServeService = Callable[[ServiceDefinition], AbstractAsyncContextManager[grpc.aio.Channel]]


def evaluation(
    truth: Sequence[Sequence[int]],
    probabilities: Sequence[Sequence[float]],
    *,
    multilabel: bool = False,
    tags: str = "abcd",
    image_ids: Sequence[str] = (),
    **options: Any,
) -> Evaluation:
    """Returns an evaluation of tags a, b, … (named A, B, …) on images 0, 1, …"""
    tag_ids = tuple(tags[: len(truth[0])])
    return Evaluation(
        image_ids=tuple(image_ids) or tuple(str(number) for number in range(len(truth))),
        tag_ids=tag_ids,
        tag_names=tuple(tag.upper() for tag in tag_ids),
        image_counts=tuple(10 for _ in tag_ids),
        multilabel=multilabel,
        truth=np.array(truth, np.uint8),
        probabilities=np.array(probabilities, np.float32),
        **options,
    )


class Artifacts:
    """Iterations by id, each completed with an evaluation or a model, as the project service tells of them."""

    def __init__(self) -> None:
        self.iterations: dict[str, iterations_pb2.Iteration] = {
            "failed": iterations_pb2.Iteration(name="failed", status=iterations_pb2.ITERATION_STATUS_FAILED)
        }
        self._files: dict[str, bytes] = {}

    def add(
        self, iteration_id: str, *, evaluation: Evaluation | None = None, model: ModelArtifact | None = None
    ) -> None:
        """Adds a completed iteration."""
        self.iterations[iteration_id] = iterations_pb2.Iteration(
            iteration_id=iteration_id,
            name=iteration_id,
            status=iterations_pb2.ITERATION_STATUS_COMPLETED,
            artifacts=iterations_pb2.IterationArtifacts(
                evaluation_sha256=self._stored(evaluation.to_bytes()) if evaluation is not None else "",
                model_sha256=self._stored(model.to_bytes()) if model is not None else "",
                backbone_sha256=self._stored(backbone().to_bytes()),
            ),
        )

    @property
    def scripts(self) -> dict[str, Callable[[ScriptedCall], Any]]:
        """What the project service answers, by method."""
        return {"GetIteration": self._iteration, "GetArtifact": self._artifact}

    def _stored(self, data: bytes) -> str:
        sha256 = digest_of(data)
        self._files[sha256] = data
        return sha256

    def _iteration(self, call: ScriptedCall) -> iterations_pb2.Iteration:
        if call.request.iteration_id not in self.iterations:
            call.fail(grpc.StatusCode.NOT_FOUND, "There is no such iteration.")
        return self.iterations[call.request.iteration_id]

    def _artifact(self, call: ScriptedCall) -> Iterable[artifacts_pb2.ArtifactChunk]:
        yield artifacts_pb2.ArtifactChunk(data=self._files[call.request.sha256])


class _EvaluationServicer(EvaluationMethods, TrainingServiceServicer):
    def __init__(self, iterations: Iterations, folder: Path) -> None:
        self._performances = IterationPerformances(iterations)
        self._test_sets = UserTestSets(iterations, folder)


@asynccontextmanager
async def evaluation_service(
    artifacts: Artifacts, folder: Path, serve_service: ServeService
) -> "AsyncIterator[TrainingServiceAsyncStub]":
    """Serves the calls in this process; test sets are received into ``folder``."""
    with ScriptedServer(artifacts.scripts) as project:
        async with open_channel(project.address, Keys("t" * 64, "p" * 64)) as channel:
            # The other calls stay unimplemented.
            servicer = _EvaluationServicer(Iterations(channel), folder)  # type: ignore[abstract]
            definition = ServiceDefinition(
                name="training",
                full_name="customvision.v1.TrainingService",
                register=lambda server: add_TrainingServiceServicer_to_server(servicer, server),
                roles=TRAINING_KEY_ONLY,
                end_streams=lambda: None,
            )
            async with serve_service(definition) as served:
                yield TrainingServiceStub(served)


def performance_request(iteration_id: str, **options: Any) -> training_service_pb2.GetPerformanceRequest:
    """Returns the request for an iteration's performance."""
    return training_service_pb2.GetPerformanceRequest(project_id="p", iteration_id=iteration_id, **options)
