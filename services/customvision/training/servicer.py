"""The gRPC face of training: each method reads its request, asks the domain, and answers."""

from collections.abc import AsyncIterator
from typing import Any

from customvision.common.pagination import decode_page_token, encode_page_token, page_size_of
from customvision.training.backbones.backbone_review import BackboneReview
from customvision.training.evaluation.iteration_performance import IterationPerformances
from customvision.training.evaluation.user_test_sets import UserTestSets
from customvision.training.export.exporter import Exporter
from customvision.training.export.kept_exports import KeptExports
from customvision.training.messages import (
    current_backbone_message,
    event_message,
    run_message,
    run_request_of,
)
from customvision.training.request_fields import required as _required
from customvision.training.runs.scheduler import Scheduler
from customvision.training.runs.starter import REFUSALS, RunStarter
from customvision.training.runs.watch import RunWatch
from customvision.training.servicer_evaluation import EvaluationMethods
from customvision.training.servicer_exports import ExportMethods
from customvision.training.store.runs import RunStore
from customvision.v1 import training_service_pb2
from customvision.v1.training_service_pb2_grpc import TrainingServiceServicer


class TrainingServicer(EvaluationMethods, ExportMethods, TrainingServiceServicer):
    """Answers the calls of TrainingService."""

    def __init__(
        self,
        runs: RunStore,
        starter: RunStarter,
        scheduler: Scheduler,
        watch: RunWatch,
        performances: IterationPerformances,
        exporter: Exporter,
        kept_exports: KeptExports,
        backbone: BackboneReview,
        test_sets: UserTestSets,
        *,
        time_limit_seconds: float,
    ) -> None:
        self._runs = runs
        self._starter = starter
        self._scheduler = scheduler
        self._watch = watch
        self._performances = performances
        self._exporter = exporter
        self._kept_exports = kept_exports
        self._backbone = backbone
        self._time_limit_seconds = time_limit_seconds
        self._test_sets = test_sets

    async def StartTraining(
        self, request: training_service_pb2.StartTrainingRequest, context: Any
    ) -> training_service_pb2.TrainingRun:
        """Freezes the data set and queues a run."""
        _required("project_id", request.project_id)
        asked = run_request_of(request, time_limit_seconds=self._time_limit_seconds)
        return run_message(await self._starter.start(asked, request.request_id))

    async def CheckTraining(
        self, request: training_service_pb2.CheckTrainingRequest, context: Any
    ) -> training_service_pb2.CheckTrainingResponse:
        """Says what a start would be refused for."""
        _required("training.project_id", request.training.project_id)
        try:
            await self._starter.check(run_request_of(request.training, time_limit_seconds=self._time_limit_seconds))
        except REFUSALS as refusal:
            return training_service_pb2.CheckTrainingResponse(
                reason=refusal.reason, message=refusal.message, metadata=refusal.metadata
            )
        return training_service_pb2.CheckTrainingResponse()

    async def GetTrainingRun(
        self, request: training_service_pb2.GetTrainingRunRequest, context: Any
    ) -> training_service_pb2.TrainingRun:
        """Returns a run."""
        return run_message(await self._runs.get(_required("training_run_id", request.training_run_id)))

    async def ListTrainingRuns(
        self, request: training_service_pb2.ListTrainingRunsRequest, context: Any
    ) -> training_service_pb2.ListTrainingRunsResponse:
        """Returns one page of runs, newest first."""
        filters = ("training_runs", request.project_id, request.iteration_id)
        page = await self._runs.page(
            project_id=request.project_id,
            iteration_id=request.iteration_id,
            before=decode_page_token(request.page_token, *filters),
            size=page_size_of(request.page_size),
        )
        token = encode_page_token(page.next_position, *filters) if page.next_position is not None else ""
        return training_service_pb2.ListTrainingRunsResponse(
            training_runs=[run_message(run) for run in page.runs], next_page_token=token
        )

    async def CancelTraining(
        self, request: training_service_pb2.CancelTrainingRequest, context: Any
    ) -> training_service_pb2.TrainingRun:
        """Asks a run to stop."""
        return run_message(await self._scheduler.cancel(_required("training_run_id", request.training_run_id)))

    async def WatchTraining(
        self, request: training_service_pb2.WatchTrainingRequest, context: Any
    ) -> AsyncIterator[training_service_pb2.TrainingEvent]:
        """Streams a run's events."""
        run_id = _required("training_run_id", request.training_run_id)
        async for event in self._watch.follow(run_id, request.after_sequence):
            yield event_message(event)

    async def GetBackbone(
        self, request: training_service_pb2.GetBackboneRequest, context: Any
    ) -> training_service_pb2.GetBackboneResponse:
        """Returns the backbone that the next training uses."""
        if request.project_id:
            return current_backbone_message(await self._backbone.of_project(request.project_id))
        return current_backbone_message(await self._backbone.of_domain(request.domain_id))
