"""The events of a training in JSON."""

from typing import Annotated, Any, Literal

from google.protobuf.duration_pb2 import Duration
from pydantic import Field

from customvision.gateway.rest.fields import time_text
from customvision.gateway.rest.models.base import ApiModel, Time
from customvision.v1 import training_service_pb2
from customvision.v1.training_service_pb2 import FineTuningCourse, TrainingPhase, TrainingState

STATES = {number: name.removeprefix("TRAINING_STATE_").capitalize() for name, number in TrainingState.items()}
FINAL_STATES = frozenset(
    {
        training_service_pb2.TRAINING_STATE_SUCCEEDED,
        training_service_pb2.TRAINING_STATE_FAILED,
        training_service_pb2.TRAINING_STATE_CANCELLED,
    }
)


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


COURSES = {number: _camel(name.removeprefix("FINE_TUNING_COURSE_")) for name, number in FineTuningCourse.items()}
PHASES = {number: _camel(name.removeprefix("TRAINING_PHASE_")) for name, number in TrainingPhase.items()}


class TrainingEvent(ApiModel):
    """One step of a training: ``type`` says which of the other fields are there. Shares are 0 to 1, times seconds."""

    sequence: int
    time: Time
    type: Literal["state", "progress", "metrics", "warning", "fineTuning"]
    state: Annotated[str, Field(json_schema_extra={"enum": [word for number, word in STATES.items() if number]})]
    message: str | None = None
    phase: Annotated[str | None, Field(json_schema_extra={"enum": [w for n, w in PHASES.items() if n]})] = None
    done: int | None = None
    total: int | None = None
    elapsed_seconds: float | None = None
    seconds_left: float | None = None
    precision: float | None = None
    recall: float | None = None
    average_precision: float | None = None
    accuracy: float | None = None
    held_out_image_count: int | None = None
    course: Annotated[str | None, Field(json_schema_extra={"enum": [w for n, w in COURSES.items() if n]})] = None
    repeat: int | None = None
    repeats: int | None = None
    epoch: int | None = None
    epochs: int | None = None
    batch: int | None = None
    batches: int | None = None
    loss: float | None = None
    held_out_loss: float | None = None
    held_out_accuracy: float | None = None


def event_of(event: training_service_pb2.TrainingEvent) -> TrainingEvent:
    """Returns an event that is no heartbeat as the API tells it."""
    kind, details = _details(event)
    return TrainingEvent(
        sequence=event.sequence, time=time_text(event.event_time), state=STATES[event.state], type=kind, **details
    )


def _details(event: training_service_pb2.TrainingEvent) -> tuple[Any, dict[str, Any]]:
    """Returns the event's type and the fields that come with it."""
    match event.WhichOneof("detail"):
        case "progress":
            progress = event.progress
            return "progress", {
                "phase": PHASES[progress.phase],
                "done": progress.done,
                "total": progress.total,
                "elapsed_seconds": _seconds(progress.elapsed),
                **_time_left(progress),
            }
        case "metrics":
            return "metrics", {field.name: value for field, value in event.metrics.ListFields()}
        case "fine_tuning":
            given = {field.name: value for field, value in event.fine_tuning.ListFields()}
            known = {name: value for name, value in given.items() if name not in ("time_left", "learning_rate")}
            course = {"course": COURSES[event.fine_tuning.course]} if event.fine_tuning.course else {}
            return "fineTuning", {**known, **course, **_time_left(event.fine_tuning)}
        case "warning":
            return "warning", {"message": event.warning}
        case _:
            return "state", {"message": event.state_change.reason} if event.state_change.reason else {}


def _time_left(
    detail: training_service_pb2.PhaseProgress | training_service_pb2.FineTuningProgress,
) -> dict[str, float]:
    return {"seconds_left": _seconds(detail.time_left)} if detail.HasField("time_left") else {}


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9
