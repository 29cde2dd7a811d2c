"""A training run as it goes: drawn and redrawn on a terminal, told line by line elsewhere."""

import time
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from customvision.cli.display.console import printable
from customvision.cli.display.fine_tuning import epoch_line, fine_tuning_words
from customvision.cli.training_progress import PhaseStatus, TrainingProgress
from customvision.v1 import training_service_pb2

BAR_WIDTH = 30
SECONDS_BETWEEN_LINES = 5.0
SECONDS_TOLD_IN_MINUTES = 120.0
FINAL_WORDS: dict[int, str] = {
    training_service_pb2.TRAINING_STATE_SUCCEEDED: "trained",
    training_service_pb2.TRAINING_STATE_FAILED: "failed",
    training_service_pb2.TRAINING_STATE_CANCELLED: "cancelled",
}


class TrainingDisplay(Protocol):
    """Shows a run, between entering and leaving it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def show(self, event: training_service_pb2.TrainingEvent) -> None:
        """Takes in and shows the next event."""


def training_display(console: Console, progress: TrainingProgress) -> TrainingDisplay:
    """Returns the display that suits the console."""
    return LiveDisplay(console, progress) if console.is_terminal else PlainDisplay(console, progress)


class LiveDisplay:
    """Redraws the phases a few times a second; warnings stay above them."""

    def __init__(self, console: Console, progress: TrainingProgress) -> None:
        self._console = console
        self._progress = progress
        self._started = self._heard_at = time.monotonic()
        self._spinner = Spinner("dots")
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def show(self, event: training_service_pb2.TrainingEvent) -> None:
        """Takes in the next event; the next drawing shows it."""
        self._progress.apply(event)
        self._heard_at = time.monotonic()
        if event.WhichOneof("detail") == "warning":
            self._console.print(f"Warning: {printable(event.warning)}", style="yellow")

    def _draw(self) -> RenderableType:
        phases = Table.grid(padding=(0, 1))
        for phase in list(self._progress.phases.values()):
            phases.add_row(*self._row(phase))
        return Group(phases, *self._fine_tuning(), self._summary())

    def _fine_tuning(self) -> list[RenderableType]:
        status = self._progress.fine_tuning
        return [Text(f"  {fine_tuning_words(status)}")] if status is not None else []

    def _row(self, phase: PhaseStatus) -> list[RenderableType]:
        running = phase is self._progress.current and self._progress.state not in FINAL_WORDS
        mark: RenderableType = self._spinner if running else Text("✓", style="green")
        bar: RenderableType = ""
        if phase.total > 1:
            bar = ProgressBar(total=phase.total, completed=phase.done, width=BAR_WIDTH)
        # A phase that tells nothing for a while still takes its time.
        since = time.monotonic() - self._heard_at if running and phase.done != phase.total else 0.0
        return [mark, phase.name, bar, counts(phase), f"{phase.seconds + since:.1f} s"]

    def _summary(self) -> Text:
        progress = self._progress
        state = FINAL_WORDS.get(progress.state) or (
            "waiting for its turn" if progress.state == training_service_pb2.TRAINING_STATE_QUEUED else "training"
        )
        return Text(f"{state} · {time.monotonic() - self._started:.0f} s{_left(progress)}", style="dim")


class PlainDisplay:
    """Prints a line when a phase, or a part of it, begins and every few seconds within one."""

    def __init__(self, console: Console, progress: TrainingProgress) -> None:
        self._console = console
        self._progress = progress
        self._told: PhaseStatus | None = None
        self._told_part = ""
        self._told_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def show(self, event: training_service_pb2.TrainingEvent) -> None:
        """Takes in the next event and tells it where it says something new."""
        self._progress.apply(event)
        match event.WhichOneof("detail"):
            case "warning":
                self._console.print(f"Warning: {printable(event.warning)}")
            case "fine_tuning" if event.fine_tuning.HasField("held_out_accuracy"):
                self._tell(epoch_line(event.fine_tuning))
            case "progress" | "fine_tuning":
                self._tell_phase()
            case "state_change" if event.state in FINAL_WORDS:
                self._console.print(FINAL_WORDS[event.state])
            case "state_change":
                words = training_service_pb2.TrainingState.Name(event.state).removeprefix("TRAINING_STATE_").lower()
                reason = f": {printable(event.state_change.reason)}" if event.state_change.reason else ""
                self._console.print(f"{words}{reason}")

    def _tell_phase(self) -> None:
        phase = self._progress.current
        if phase is None:
            return
        told = phase is self._told and phase.part == self._told_part
        if not told or time.monotonic() - self._told_at >= SECONDS_BETWEEN_LINES:
            self._tell(" ".join(filter(None, [phase.name, counts(phase)])))

    def _tell(self, line: str) -> None:
        self._told, self._told_at = self._progress.current, time.monotonic()
        self._told_part = self._told.part if self._told is not None else ""
        self._console.print(line + _left(self._progress))


def counts(phase: PhaseStatus) -> str:
    """Returns how far a phase is, such as ``120/400``; empty where there is nothing to count."""
    if phase.words:
        return phase.words
    return f"{phase.done}/{phase.total}" if phase.total > 1 else ""


def _left(progress: TrainingProgress) -> str:
    seconds = progress.seconds_left
    if seconds is None:
        return ""
    return (
        f" · about {seconds / 60:.0f} min left"
        if seconds > SECONDS_TOLD_IN_MINUTES
        else f" · about {seconds:.0f} s left"
    )
