"""What is known of a training run from the events seen so far."""

from dataclasses import dataclass, field

from customvision.v1 import iterations_pb2, training_service_pb2

PHASES = {
    training_service_pb2.TRAINING_PHASE_PREPARING_BACKBONE: "preparing the backbone",
    training_service_pb2.TRAINING_PHASE_READING_DATA_SET: "reading the data set",
    training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES: "embedding images",
    training_service_pb2.TRAINING_PHASE_FITTING_HEAD: "fitting the head",
    training_service_pb2.TRAINING_PHASE_EVALUATING: "evaluating",
    training_service_pb2.TRAINING_PHASE_SAVING: "saving",
}


@dataclass
class PhaseStatus:
    """How far a phase has come: units of work, 0 in total where it cannot be counted, and seconds spent."""

    name: str
    done: int = 0
    total: int = 0
    seconds: float = 0.0


@dataclass
class TrainingProgress:
    """A run's state, its phases in the order they began, and what else its events told."""

    state: int = training_service_pb2.TRAINING_STATE_QUEUED
    phases: dict[int, PhaseStatus] = field(default_factory=dict)
    seconds_left: float | None = None
    metrics: iterations_pb2.IterationMetrics | None = None
    warnings: list[str] = field(default_factory=list)
    reason: str = ""

    def apply(self, event: training_service_pb2.TrainingEvent) -> None:
        """Takes in the next event of the run."""
        self.state = event.state
        match event.WhichOneof("detail"):
            case "progress":
                self._progress(event.progress)
            case "state_change":
                self._state_change(event)
            case "metrics":
                self.metrics = event.metrics
            case "warning":
                self.warnings.append(event.warning)

    @property
    def current(self) -> PhaseStatus | None:
        """The phase that began last."""
        return next(reversed(self.phases.values()), None)

    def _state_change(self, event: training_service_pb2.TrainingEvent) -> None:
        self.reason = event.state_change.reason
        if event.state == training_service_pb2.TRAINING_STATE_QUEUED:
            # Queued again after an interruption: the phases start over.
            self.phases.clear()
            self.seconds_left = None

    def _progress(self, progress: training_service_pb2.PhaseProgress) -> None:
        name = PHASES.get(progress.phase, f"phase {progress.phase}")
        phase = self.phases.setdefault(progress.phase, PhaseStatus(name))
        phase.done, phase.total = progress.done, progress.total
        phase.seconds = progress.elapsed.ToTimedelta().total_seconds()
        left = progress.time_left.ToTimedelta().total_seconds()
        self.seconds_left = left if progress.HasField("time_left") else None
