"""How an iteration was trained, in words."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from customvision.cli.display.console import counted
from customvision.v1 import iterations_pb2

SECONDS_PER_MINUTE = 60


def training_words(iteration: iterations_pb2.Iteration) -> str:
    """Returns how it is or was trained: its type, and whether an advanced training made a network of its own."""
    if iteration.training_type != iterations_pb2.TRAINING_TYPE_ADVANCED:
        return "quick"
    if iteration.status != iterations_pb2.ITERATION_STATUS_COMPLETED:
        return "advanced"
    return "advanced, fine-tuned" if iteration.fine_tuned else "advanced, quick head kept"


def brief_training_words(iteration: iterations_pb2.Iteration) -> str:
    """Returns the same and, where its training was restricted, to how many tags."""
    selected = len(iteration.selected_tag_ids)
    return training_words(iteration) + (f", {counted(selected, 'tag')}" if selected else "")


def selected_tag_words(iteration: iterations_pb2.Iteration, tag_names: Mapping[str, str]) -> str:
    """Returns the names of the tags that it was restricted to; ids of those deleted since, nothing for all tags."""
    return ", ".join(tag_names.get(tag_id, tag_id) for tag_id in iteration.selected_tag_ids)


def budget_words(budget: Duration) -> str:
    """Returns a budget in minutes or, where these have too many digits, in seconds; empty where there is none."""
    if not budget.ByteSize():
        return ""
    seconds = budget.ToTimedelta().total_seconds()
    minutes = seconds / SECONDS_PER_MINUTE
    return f"{minutes:g} min" if minutes == round(minutes, 1) else f"{seconds:g} s"
