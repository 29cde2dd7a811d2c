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
TRIAL = training_service_pb2.FINE_TUNING_COURSE_TRIAL
REPEAT = training_service_pb2.FINE_TUNING_COURSE_REPEAT
FINAL = training_service_pb2.FINE_TUNING_COURSE_FINAL


@dataclass
class PhaseStatus:
    """How far a phase has come: units of work, 0 in total where it cannot be counted, and seconds spent.

    ``words`` say it where the units would mean nothing to people, ``part`` which part of the phase it is in.
    """

    name: str
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    words: str = ""
    part: str = ""


@dataclass
class FineTuningStatus:
    """The last that was told of fine-tuning, and the held-out accuracy of every epoch so far, 0 to 1."""

    latest: training_service_pb2.FineTuningProgress
    held_out_accuracies: list[float] = field(default_factory=list)


@dataclass
class TrainingProgress:
    """A run's state, its phases in the order they began, and what else its events told.

    ``attempts`` counts the processes started for it; the phases are those of the last.
    """

    state: int = training_service_pb2.TRAINING_STATE_QUEUED
    phases: dict[int, PhaseStatus] = field(default_factory=dict)
    seconds_left: float | None = None
    fine_tuning: FineTuningStatus | None = None
    metrics: iterations_pb2.IterationMetrics | None = None
    warnings: list[str] = field(default_factory=list)
    reason: str = ""
    attempts: int = 0
    began: float = 0.0
    latest: float = 0.0

    def apply(self, event: training_service_pb2.TrainingEvent) -> None:
        """Takes in the next event of the run."""
        self.state = event.state
        self.latest = event.event_time.seconds + event.event_time.nanos / 1e9
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

    @property
    def seconds(self) -> float:
        """The seconds since its first attempt began, as far as events told; at least those of the last one's phases."""
        # The times of events are those of a clock that may be set back.
        return max(self.latest - self.began if self.attempts else 0.0, sum(p.seconds for p in self.phases.values()))

    def _state_change(self, event: training_service_pb2.TrainingEvent) -> None:
        self.reason = event.state_change.reason
        if event.state == training_service_pb2.TRAINING_STATE_RUNNING:
            self.began = self.began if self.attempts else self.latest
            self.attempts += 1
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
        course = progress.epochs * progress.batches
        courses_done, courses = _courses(progress)
        phase.done = courses_done * course + (progress.epoch - 1) * progress.batches + progress.batch
        phase.total = courses * course
        phase.part = course_words(progress)
        phase.words = epoch_words(progress)
        self.fine_tuning = self.fine_tuning or FineTuningStatus(progress)
        self.fine_tuning.latest = progress
        if progress.HasField("held_out_accuracy"):
            self.fine_tuning.held_out_accuracies.append(progress.held_out_accuracy)
        self._estimate(progress)

    def _estimate(self, progress: training_service_pb2.PhaseProgress | training_service_pb2.FineTuningProgress) -> None:
        left = progress.time_left.ToTimedelta().total_seconds()
        self.seconds_left = left if progress.HasField("time_left") else None


def epoch_words(progress: training_service_pb2.FineTuningProgress) -> str:
    """Returns where fine-tuning is, such as ``repeat 2/5, epoch 1/3``."""
    return ", ".join(filter(None, [course_words(progress), f"epoch {progress.epoch}/{progress.epochs}"]))


def course_words(progress: training_service_pb2.FineTuningProgress) -> str:
    """Returns which course of fine-tuning it is; empty where an older service does not tell."""
    repeat = f"repeat {progress.repeat}/{progress.repeats}"
    return {TRIAL: "trial", REPEAT: repeat, FINAL: "on all images"}.get(progress.course, "")


def _courses(progress: training_service_pb2.FineTuningProgress) -> tuple[int, int]:
    """Returns how many courses are done, and how many there are; one where an older service does not tell."""
    done = {TRIAL: 0, REPEAT: progress.repeat, FINAL: progress.repeats + 1}
    return (done[progress.course], progress.repeats + 2) if progress.course in done else (0, 1)
