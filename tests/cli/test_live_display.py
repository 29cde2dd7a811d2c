"""The live display of a training, drawn on a console that takes itself for a terminal."""

import io
import re
import time

from rich.console import Console

from customvision.cli.display.training import LiveDisplay
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
