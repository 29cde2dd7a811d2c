"""Fine-tuning in words and as a small curve."""

from collections.abc import Sequence

from customvision.cli.training_progress import FineTuningStatus, epoch_words
from customvision.v1 import training_service_pb2

BLOCKS = "▁▂▃▄▅▆▇█"
EPOCHS_DRAWN = 30


def fine_tuning_words(status: FineTuningStatus) -> str:
    """Returns loss, accuracy, the held-out accuracy so far with its curve, and the learning rate."""
    latest = status.latest
    words = [f"loss {latest.loss:.3f}", f"accuracy {latest.accuracy:.1%}"]
    if status.held_out_accuracies:
        words.append(f"held out {status.held_out_accuracies[-1]:.1%} {sparkline(status.held_out_accuracies)}")
    return " · ".join([*words, f"learning rate {latest.learning_rate:.2g}"])


def epoch_line(progress: training_service_pb2.FineTuningProgress) -> str:
    """Returns in a line how an epoch ended."""
    return (
        f"fine-tuning {epoch_words(progress)}: loss {progress.loss:.3f} · "
        f"accuracy {progress.accuracy:.1%} · held-out loss {progress.held_out_loss:.3f} · "
        f"held-out accuracy {progress.held_out_accuracy:.1%} · learning rate {progress.learning_rate:.2g}"
    )


def sparkline(values: Sequence[float]) -> str:
    """Returns the last values, at most 30, as blocks whose heights span from the lowest to the highest of them."""
    drawn = list(values)[-EPOCHS_DRAWN:]
    lowest, span = min(drawn), max(drawn) - min(drawn)
    highest_block = len(BLOCKS) - 1
    heights = [round((value - lowest) / span * highest_block) if span else highest_block // 2 for value in drawn]
    return "".join(BLOCKS[height] for height in heights)
