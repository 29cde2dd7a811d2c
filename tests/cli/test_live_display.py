"""The live display of a training, drawn on a console that takes itself for a terminal."""

import io
import re
import time

from rich.console import Console

from customvision.cli.display.fine_tuning import sparkline
from customvision.cli.display.training import LiveDisplay, PlainDisplay
from customvision.cli.training_progress import TrainingProgress
from customvision.v1 import training_service_pb2


def shown_seconds(output: io.StringIO) -> list[float]:
    """Returns the seconds that each drawing so far showed for the phase."""
    return [float(text) for text in re.findall(r"preparing the backbone\s+([\d.]+) s", output.getvalue())]


def test_a_quiet_phase_is_seen_to_take_time() -> None:
    """The seconds of a phase that tells nothing between its first and last step go on, from what was told."""
    output = io.StringIO()
    event = training_service_pb2.TrainingEvent(
        sequence=3,
        state=training_service_pb2.TRAINING_STATE_RUNNING,
        progress=training_service_pb2.PhaseProgress(
            phase=training_service_pb2.TRAINING_PHASE_PREPARING_BACKBONE, done=0, total=1
        ),
    )
    event.progress.elapsed.FromSeconds(2)
    with LiveDisplay(Console(file=output, force_terminal=True, width=100), TrainingProgress()) as display:
        display.show(event)
        deadline = time.monotonic() + 10
        while not any(seconds > 2.3 for seconds in shown_seconds(output)):
            assert time.monotonic() < deadline, output.getvalue()
            time.sleep(0.02)
    assert min(shown_seconds(output)) >= 2.0


def fine_tuning(sequence: int, epoch: int, held_out_accuracy: float) -> training_service_pb2.TrainingEvent:
    """Returns the event of an epoch's end."""
    return training_service_pb2.TrainingEvent(
        sequence=sequence,
        state=training_service_pb2.TRAINING_STATE_RUNNING,
        fine_tuning=training_service_pb2.FineTuningProgress(
            epoch=epoch, epochs=10, batch=4, batches=4, loss=0.25, accuracy=0.9, learning_rate=2e-4,
            held_out_loss=0.5, held_out_accuracy=held_out_accuracy,
        ),
    )  # fmt: skip


def test_fine_tuning_is_drawn_with_its_curve() -> None:
    """Epoch, figures and the curve of the held-out accuracy stand in the drawing."""
    output = io.StringIO()
    progress = TrainingProgress()
    with LiveDisplay(Console(file=output, force_terminal=True, width=120), progress) as display:
        for number, accuracy in enumerate((0.5, 0.75, 1.0), start=1):
            display.show(fine_tuning(number, number, accuracy))
    drawn = output.getvalue()
    assert "epoch 3/10" in drawn
    assert "loss 0.250 · accuracy 90.0% · held out 100.0% ▁▅█ · learning rate 0.0002" in drawn
    assert progress.current is not None
    assert (progress.current.done, progress.current.total) == (12, 40)


def test_interrupted_fine_tuning_is_drawn_anew() -> None:
    """A run that is queued again forgets the epochs of the attempt that was lost."""
    progress = TrainingProgress()
    progress.apply(fine_tuning(1, 1, 0.5))
    progress.apply(
        training_service_pb2.TrainingEvent(
            sequence=2,
            state=training_service_pb2.TRAINING_STATE_QUEUED,
            state_change=training_service_pb2.StateChange(reason="killed"),
        )
    )
    assert (progress.fine_tuning, progress.phases) == (None, {})


def test_curves_span_what_they_show() -> None:
    """The lowest value is the lowest block and the highest the highest; equal values are level; 30 are drawn."""
    assert sparkline([0.1, 0.2, 0.8]) == "▁▂█"
    assert sparkline([0.5, 0.5]) == "▄▄"
    assert len(sparkline([number / 100 for number in range(90)])) == 30


def course(
    kind: "training_service_pb2.FineTuningCourse.ValueType", epoch: int, repeat: int = 0
) -> training_service_pb2.TrainingEvent:
    """Returns the event of the last batch of an epoch in a course with two repeats planned."""
    return training_service_pb2.TrainingEvent(
        state=training_service_pb2.TRAINING_STATE_RUNNING,
        fine_tuning=training_service_pb2.FineTuningProgress(
            epoch=epoch, epochs=2, batch=3, batches=3, course=kind, repeat=repeat, repeats=2
        ),
    )  # fmt: skip


def test_courses_are_told_apart_and_fill_one_bar() -> None:
    """Trial, repeats and the course on all images are named, each in a line of its own; the bar never goes back."""
    output = io.StringIO()
    progress = TrainingProgress()
    trial = training_service_pb2.FINE_TUNING_COURSE_TRIAL
    repeat = training_service_pb2.FINE_TUNING_COURSE_REPEAT
    final = training_service_pb2.FINE_TUNING_COURSE_FINAL
    shares = []
    with PlainDisplay(Console(file=output, width=100), progress) as display:
        for event in (course(trial, 1), course(trial, 2), course(repeat, 1, 1), course(repeat, 1, 2), course(final, 2)):
            display.show(event)
            assert progress.current is not None
            shares.append(progress.current.done / progress.current.total)
    assert output.getvalue().splitlines() == [
        "fine-tuning trial, epoch 1/2",
        "fine-tuning repeat 1/2, epoch 1/2",
        "fine-tuning repeat 2/2, epoch 1/2",
        "fine-tuning on all images, epoch 2/2",
    ]
    assert shares == [0.125, 0.25, 0.375, 0.625, 1.0]


def state(seconds: int, value: "training_service_pb2.TrainingState.ValueType") -> training_service_pb2.TrainingEvent:
    """Returns the event of a state that the run entered so many seconds after some moment."""
    event = training_service_pb2.TrainingEvent(state=value, state_change=training_service_pb2.StateChange())
    event.event_time.seconds = 1_000_000 + seconds
    return event


def test_time_of_a_run_counts_attempts_that_were_killed() -> None:
    """A run's seconds are those since its first attempt began; a clock set back never makes them fewer than phases."""
    progress = TrainingProgress()
    queued, running = training_service_pb2.TRAINING_STATE_QUEUED, training_service_pb2.TRAINING_STATE_RUNNING
    for event in (state(0, queued), state(50, running), state(90, queued), state(100, running)):
        progress.apply(event)
    saving = training_service_pb2.PhaseProgress(phase=training_service_pb2.TRAINING_PHASE_SAVING)
    saving.elapsed.seconds = 12
    progress.apply(training_service_pb2.TrainingEvent(state=running, progress=saving))
    progress.apply(state(115, training_service_pb2.TRAINING_STATE_SUCCEEDED))
    assert (progress.attempts, progress.seconds) == (2, 65)
    progress.apply(state(20, training_service_pb2.TRAINING_STATE_SUCCEEDED))
    assert progress.seconds == 12


def test_early_end_fills_the_bar() -> None:
    """Where fine-tuning stops before the last planned epoch, its phase is done all the same."""
    progress = TrainingProgress()
    progress.apply(fine_tuning(1, 3, 0.5))
    phase = training_service_pb2.PhaseProgress(phase=training_service_pb2.TRAINING_PHASE_FINE_TUNING, done=10, total=10)
    progress.apply(training_service_pb2.TrainingEvent(sequence=2, progress=phase))
    assert progress.current is not None
    assert progress.current.done == progress.current.total == 40
