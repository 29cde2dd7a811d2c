"""Between what this service thinks in and what travels."""

from datetime import datetime
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from customvision.training.iterations import duration_of, training_type_value, weights_source_of
from customvision.training.runs.event import (
    Event,
    FineTuning,
    FineTuningCourse,
    Metrics,
    Progress,
    StateChanged,
    Warned,
)
from customvision.training.runs.run import Phase, RunState, TrainingRun
from customvision.training.runs.run_request import (
    RunRequest,
    TrainingType,
    TrainingTypeUnknown,
    checked_base,
    checked_base_project,
    checked_budget,
    checked_tags,
)
from customvision.training.runs.watch import Heartbeat
from customvision.v1 import iterations_pb2, training_service_pb2

if TYPE_CHECKING:
    from customvision.training.backbones.backbone_review import CurrentBackbone

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
    Phase.FINE_TUNING: training_service_pb2.TRAINING_PHASE_FINE_TUNING,
    Phase.EVALUATING: training_service_pb2.TRAINING_PHASE_EVALUATING,
    Phase.SAVING: training_service_pb2.TRAINING_PHASE_SAVING,
}
_COURSES = {
    None: training_service_pb2.FINE_TUNING_COURSE_UNSPECIFIED,
    FineTuningCourse.TRIAL: training_service_pb2.FINE_TUNING_COURSE_TRIAL,
    FineTuningCourse.REPEAT: training_service_pb2.FINE_TUNING_COURSE_REPEAT,
    FineTuningCourse.FINAL: training_service_pb2.FINE_TUNING_COURSE_FINAL,
}
_TRAINING_TYPES: dict[int, TrainingType] = {
    iterations_pb2.TRAINING_TYPE_UNSPECIFIED: TrainingType.QUICK,
    iterations_pb2.TRAINING_TYPE_QUICK: TrainingType.QUICK,
    iterations_pb2.TRAINING_TYPE_ADVANCED: TrainingType.ADVANCED,
}


def training_type_of(value: int) -> TrainingType:
    """Returns the training type that was asked for. Raises TrainingTypeUnknown."""
    if value not in _TRAINING_TYPES:
        raise TrainingTypeUnknown(
            f"training_type is {value}, which this version does not know; use TRAINING_TYPE_QUICK or "
            "TRAINING_TYPE_ADVANCED.",
            field="training_type",
        )
    return _TRAINING_TYPES[value]


def run_request_of(request: training_service_pb2.StartTrainingRequest, *, time_limit_seconds: float) -> RunRequest:
    """Returns what a caller asks for. Raises TrainingTypeUnknown, and what the parts of a RunRequest raise."""
    training_type = training_type_of(request.training_type)
    budget = _seconds(request.training_budget) if request.HasField("training_budget") else None
    return RunRequest(
        project_id=request.project_id,
        training_type=training_type,
        force=request.force,
        budget_seconds=checked_budget(training_type, budget, time_limit_seconds=time_limit_seconds),
        selected_tag_ids=checked_tags(request.selected_tag_ids),
        base_iteration_id=checked_base(training_type, request.base_iteration_id),
        base_project_id=checked_base_project(request.project_id, request.base_project_id, request.base_iteration_id),
    )


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
        training_type=training_type_value(run.training_type),
        state=_STATES[run.state],
        phase=_PHASES[run.phase],
        create_time=timestamp_of(run.create_time),
        start_time=timestamp_of(run.start_time) if run.start_time else None,
        end_time=timestamp_of(run.end_time) if run.end_time else None,
        failure_reason=run.failure_reason,
        last_sequence=run.last_sequence,
        attempt=run.attempt,
        training_budget=duration_of(run.budget_seconds) if run.budget_seconds is not None else None,
        selected_tag_ids=run.selected_tag_ids,
        base_iteration_id=run.base_iteration_id,
        base_project_id=(run.base_project_id or run.project_id) if run.base_iteration_id else "",
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
    message.event_time.CopyFrom(timestamp_of(event.event_time))
    match event.detail:
        case StateChanged(reason):
            message.state_change.CopyFrom(training_service_pb2.StateChange(reason=reason))
        case Progress():
            message.progress.CopyFrom(_progress(event.detail))
        case FineTuning():
            message.fine_tuning.CopyFrom(_fine_tuning(event.detail))
        case Metrics():
            message.metrics.CopyFrom(metrics_message(event.detail))
        case Warned(text):
            message.warning = text
    return message


def metrics_message(metrics: Metrics) -> iterations_pb2.IterationMetrics:
    """Returns figures as they travel."""
    return iterations_pb2.IterationMetrics(
        precision=metrics.precision,
        recall=metrics.recall,
        average_precision=metrics.average_precision,
        accuracy=metrics.accuracy,
        held_out_image_count=metrics.held_out_image_count,
    )


def _progress(progress: Progress) -> training_service_pb2.PhaseProgress:
    return training_service_pb2.PhaseProgress(
        phase=_PHASES[progress.phase],
        done=progress.done,
        total=progress.total,
        elapsed=duration_of(progress.elapsed_seconds),
        time_left=duration_of(progress.seconds_left) if progress.seconds_left is not None else None,
    )


def _fine_tuning(progress: FineTuning) -> training_service_pb2.FineTuningProgress:
    return training_service_pb2.FineTuningProgress(
        epoch=progress.epoch,
        epochs=progress.epochs,
        batch=progress.batch,
        batches=progress.batches,
        loss=progress.loss,
        accuracy=progress.accuracy,
        learning_rate=progress.learning_rate,
        held_out_loss=progress.held_out_loss,
        held_out_accuracy=progress.held_out_accuracy,
        time_left=duration_of(progress.seconds_left) if progress.seconds_left is not None else None,
        course=_COURSES[progress.course],
        repeat=progress.repeat,
        repeats=progress.repeats,
    )


def timestamp_of(time: datetime) -> Timestamp:
    """Returns a time as it travels."""
    message = Timestamp()
    message.FromDatetime(time)
    return message


def _seconds(duration: Duration) -> float:
    # Not by way of a timedelta, which cannot hold all that a caller may send.
    return duration.seconds + duration.nanos / 1_000_000_000
