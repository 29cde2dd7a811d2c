"""What is known of a training run from the events seen so far."""

from dataclasses import dataclass, field

from customvision.v1 import iterations_pb2, training_service_pb2

FINE_TUNING = training_service_pb2.TRAINING_PHASE_FINE_TUNING
PHASES = {
    training_service_pb2.TRAINING_PHASE_PREPARING_BACKBONE: "preparing the backbone",
    training_service_pb2.TRAINING_PHASE_READING_DATA_SET: "reading the data set",
    training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES: "embedding images",
    training_service_pb2.TRAINING_PHASE_FITTING_HEAD: "fitting the head",
    FINE_TUNING: "fine-tuning",
    training_service_pb2.TRAINING_PHASE_EVALUATING: "evaluating",
    training_service_pb2.TRAINING_PHASE_SAVING: "saving",
}


@dataclass
class PhaseStatus:
    """How far a phase has come: units of work, 0 in total where it cannot be counted, and seconds spent.

    ``words`` say it where the units would mean nothing to people.
    """

    name: str
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    words: str = ""


@dataclass
class FineTuningStatus:
    """The last that was told of fine-tuning, and the held-out accuracy of every epoch so far, 0 to 1."""

    latest: training_service_pb2.FineTuningProgress
    held_out_accuracies: list[float] = field(default_factory=list)


@dataclass
class TrainingProgress:
    """A run's state, its phases in the order they began, and what else its events told."""

    state: int = training_service_pb2.TRAINING_STATE_QUEUED
    phases: dict[int, PhaseStatus] = field(default_factory=dict)
    seconds_left: float | None = None
    fine_tuning: FineTuningStatus | None = None
    metrics: iterations_pb2.IterationMetrics | None = None
    warnings: list[str] = field(default_factory=list)
    reason: str = ""

    def apply(self, event: training_service_pb2.TrainingEvent) -> None:
        """Takes in the next event of the run."""
        self.state = event.state
        match event.WhichOneof("detail"):
            case "progress":
                self._progress(event.progress)
            case "fine_tuning":
                self._fine_tuning(event.fine_tuning)
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
            self.seconds_left = self.fine_tuning = None

    def _progress(self, progress: training_service_pb2.PhaseProgress) -> None:
        name = PHASES.get(progress.phase, f"phase {progress.phase}")
        phase = self.phases.setdefault(progress.phase, PhaseStatus(name))
        phase.seconds = progress.elapsed.ToTimedelta().total_seconds()
        if progress.phase == FINE_TUNING and self.fine_tuning is not None:
            # Told in batches already, but for an end that comes before the last planned epoch.
            phase.done = phase.total if progress.done == progress.total else phase.done
            return
        phase.done, phase.total = progress.done, progress.total
        self._estimate(progress)

    def _fine_tuning(self, progress: training_service_pb2.FineTuningProgress) -> None:
        phase = self.phases.setdefault(FINE_TUNING, PhaseStatus(PHASES[FINE_TUNING]))
        phase.done = (progress.epoch - 1) * progress.batches + progress.batch
        phase.total = progress.epochs * progress.batches
        phase.words = f"epoch {progress.epoch}/{progress.epochs}"
        self.fine_tuning = self.fine_tuning or FineTuningStatus(progress)
        self.fine_tuning.latest = progress
        if progress.HasField("held_out_accuracy"):
            self.fine_tuning.held_out_accuracies.append(progress.held_out_accuracy)
        self._estimate(progress)

    def _estimate(self, progress: training_service_pb2.PhaseProgress | training_service_pb2.FineTuningProgress) -> None:
        left = progress.time_left.ToTimedelta().total_seconds()
        self.seconds_left = left if progress.HasField("time_left") else None
