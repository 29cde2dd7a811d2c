"""Between what this service thinks in and what travels."""

from datetime import datetime
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from customvision.training.event import Event, Metrics, Progress, StateChanged, Warned
from customvision.training.iterations import weights_source_of
from customvision.training.run import Phase, RunState, TrainingRun, TrainingType, TrainingTypeUnknown
from customvision.training.watch import Heartbeat
from customvision.v1 import iterations_pb2, training_service_pb2

if TYPE_CHECKING:
    from customvision.training.backbone_review import CurrentBackbone
    from customvision.training.performance import Performance

_STATES = {
    RunState.QUEUED: training_service_pb2.TRAINING_STATE_QUEUED,
    RunState.RUNNING: training_service_pb2.TRAINING_STATE_RUNNING,
    RunState.SUCCEEDED: training_service_pb2.TRAINING_STATE_SUCCEEDED,
    RunState.FAILED: training_service_pb2.TRAINING_STATE_FAILED,
    RunState.CANCELLED: training_service_pb2.TRAINING_STATE_CANCELLED,
}
_PHASES = {
    Phase.NONE: training_service_pb2.TRAINING_PHASE_UNSPECIFIED,
    Phase.PREPARING_BACKBONE: training_service_pb2.TRAINING_PHASE_PREPARING_BACKBONE,
    Phase.READING_DATA_SET: training_service_pb2.TRAINING_PHASE_READING_DATA_SET,
    Phase.EMBEDDING_IMAGES: training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES,
    Phase.FITTING_HEAD: training_service_pb2.TRAINING_PHASE_FITTING_HEAD,
    Phase.EVALUATING: training_service_pb2.TRAINING_PHASE_EVALUATING,
    Phase.SAVING: training_service_pb2.TRAINING_PHASE_SAVING,
}
_TRAINING_TYPES: dict[int, TrainingType] = {
    iterations_pb2.TRAINING_TYPE_UNSPECIFIED: TrainingType.QUICK,
    iterations_pb2.TRAINING_TYPE_QUICK: TrainingType.QUICK,
}


def training_type_of(value: int) -> TrainingType:
    """Returns the training type that was asked for. Raises TrainingTypeUnknown."""
    if value not in _TRAINING_TYPES:
        raise TrainingTypeUnknown(
            f"training_type is {value}, which this version does not know; use TRAINING_TYPE_QUICK.",
            field="training_type",
        )
    return _TRAINING_TYPES[value]


def current_backbone_message(current: "CurrentBackbone") -> training_service_pb2.GetBackboneResponse:
    """Returns the backbone that the next training uses as it travels."""
    backbone = current.backbone
    return training_service_pb2.GetBackboneResponse(
        backbone=None
        if backbone is None
        else iterations_pb2.Backbone(
            backbone_id=backbone.backbone_id,
            architecture=backbone.architecture,
            weights_source=weights_source_of(backbone.weights_source),
            weights_sha256=backbone.weights_sha256,
        ),
        failure_reason=current.failure_reason,
        warning=backbone.warning if backbone is not None else "",
        improvable_iterations=[_improvable(iteration) for iteration in current.improvable],
        renewed_iterations=[
            training_service_pb2.RenewedIteration(
                published=_improvable(renewed.published),
                newer_iteration_id=renewed.newer.iteration_id,
                newer_iteration_name=renewed.newer.name,
                newer_backbone=renewed.newer.backbone,
            )
            for renewed in current.renewed
        ],
    )


def _improvable(iteration: iterations_pb2.Iteration) -> training_service_pb2.ImprovableIteration:
    return training_service_pb2.ImprovableIteration(
        iteration_id=iteration.iteration_id,
        iteration_name=iteration.name,
        publish_name=iteration.publish_name,
        backbone=iteration.backbone,
    )


def run_message(run: TrainingRun) -> training_service_pb2.TrainingRun:
    """Returns a run as it travels."""
    return training_service_pb2.TrainingRun(
        training_run_id=run.training_run_id,
        project_id=run.project_id,
        iteration_id=run.iteration_id,
        iteration_name=run.iteration_name,
        training_type=iterations_pb2.TRAINING_TYPE_QUICK,
        state=_STATES[run.state],
        phase=_PHASES[run.phase],
        create_time=_timestamp(run.create_time),
        start_time=_timestamp(run.start_time) if run.start_time else None,
        end_time=_timestamp(run.end_time) if run.end_time else None,
        failure_reason=run.failure_reason,
        last_sequence=run.last_sequence,
        attempt=run.attempt,
    )


def event_message(event: Event | Heartbeat) -> training_service_pb2.TrainingEvent:
    """Returns an event, or a sign of life, as it travels."""
    message = training_service_pb2.TrainingEvent(
        training_run_id=event.training_run_id, sequence=event.sequence, state=_STATES[event.state]
    )
    if isinstance(event, Heartbeat):
        message.event_time.GetCurrentTime()
        message.heartbeat.SetInParent()
        return message
    message.event_time.CopyFrom(_timestamp(event.event_time))
    match event.detail:
        case StateChanged(reason):
            message.state_change.CopyFrom(training_service_pb2.StateChange(reason=reason))
        case Progress():
            message.progress.CopyFrom(_progress(event.detail))
        case Metrics():
            message.metrics.CopyFrom(_metrics(event.detail))
        case Warned(text):
            message.warning = text
    return message


def performance_message(iteration_id: str, performance: "Performance") -> training_service_pb2.IterationPerformance:
    """Returns an iteration's performance as it travels."""
    return training_service_pb2.IterationPerformance(
        iteration_id=iteration_id,
        threshold=performance.threshold,
        overall=_metrics(performance.overall),
        tags=[
            training_service_pb2.TagPerformance(
                tag_id=tag.tag_id,
                tag_name=tag.tag_name,
                precision=tag.precision,
                recall=tag.recall,
                average_precision=tag.average_precision,
                held_out_image_count=tag.held_out_image_count,
                image_count=tag.image_count,
            )
            for tag in performance.tags
        ],
    )


def _progress(progress: Progress) -> training_service_pb2.PhaseProgress:
    return training_service_pb2.PhaseProgress(
        phase=_PHASES[progress.phase],
        done=progress.done,
        total=progress.total,
        elapsed=_duration(progress.elapsed_seconds),
        time_left=_duration(progress.seconds_left) if progress.seconds_left is not None else None,
    )


def _metrics(metrics: Metrics) -> iterations_pb2.IterationMetrics:
    return iterations_pb2.IterationMetrics(
        precision=metrics.precision,
        recall=metrics.recall,
        average_precision=metrics.average_precision,
        accuracy=metrics.accuracy,
        held_out_image_count=metrics.held_out_image_count,
    )


def _timestamp(time: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time)
    return message


def _duration(seconds: float) -> Duration:
    message = Duration()
    message.FromNanoseconds(int(seconds * 1_000_000_000))
    return message
