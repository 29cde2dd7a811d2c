"""What happens in a run, as its watchers are told: numbered, in order, stored before it is told."""

import enum
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from customvision.training.runs.run import Phase, RunState


@dataclass(frozen=True)
class StateChanged:
    """The run entered the state of the event; ``reason`` is a sentence, where there is one."""

    reason: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a phase has come: ``done`` of ``total`` units (0: cannot be counted), seconds taken and left."""

    phase: Phase
    done: int
    total: int
    elapsed_seconds: float
    seconds_left: float | None = None


class FineTuningCourse(enum.Enum):
    """What a course of fine-tuning is for, in order.

    TRIAL: to learn how many epochs do best. REPEAT: to learn whether it pays. FINAL: the model comes of it.
    """

    TRIAL = "trial"
    REPEAT = "repeat"
    FINAL = "final"


@dataclass(frozen=True)
class FineTuning:
    """How fine-tuning goes, after one batch or, where the held-out figures are set, at the end of an epoch.

    Epochs and batches count from 1; loss and accuracy (0 to 1) are means over the epoch so far. ``course`` is None in
    events of older versions; ``repeat`` counts from 1 to ``repeats`` in a repeat and is 0 in other courses.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    learning_rate: float
    held_out_loss: float | None = None
    held_out_accuracy: float | None = None
    seconds_left: float | None = None
    course: FineTuningCourse | None = None
    repeat: int = 0
    repeats: int = 0


@dataclass(frozen=True)
class Metrics:
    """How well the model does on its held-out images, at a threshold of 0.5; shares from 0 to 1."""

    precision: float
    recall: float
    average_precision: float
    accuracy: float
    held_out_image_count: int


@dataclass(frozen=True)
class Warned:
    """A sentence that the run's user should read."""

    message: str


Detail = StateChanged | Progress | FineTuning | Metrics | Warned
_KINDS: dict[str, type[StateChanged | Progress | FineTuning | Metrics | Warned]] = {
    "state_changed": StateChanged,
    "progress": Progress,
    "fine_tuning": FineTuning,
    "metrics": Metrics,
    "warned": Warned,
}


@dataclass(frozen=True)
class Event:
    """One step of a run; ``state`` is the run's once it has happened."""

    training_run_id: str
    sequence: int
    event_time: datetime
    state: RunState
    detail: Detail


def detail_to_record(detail: Detail) -> dict[str, Any]:
    """Returns ``detail`` as what JSON can hold."""
    kind = next(name for name, known in _KINDS.items() if isinstance(detail, known))
    record = {"kind": kind, **asdict(detail)}
    if isinstance(detail, Progress):
        record["phase"] = detail.phase.value
    if isinstance(detail, FineTuning):
        record["course"] = detail.course.value if detail.course else None
    return record


def detail_from_record(record: dict[str, Any]) -> Detail:
    """Reads what detail_to_record wrote. Raises KeyError, TypeError or ValueError where it is something else."""
    fields = {name: value for name, value in record.items() if name != "kind"}
    if record["kind"] == "progress":
        fields["phase"] = Phase(fields["phase"])
    if fields.get("course"):
        fields["course"] = FineTuningCourse(fields["course"])
    detail: Detail = _KINDS[record["kind"]](**fields)
    return detail
