"""What a caller asks of a training run, and what is refused."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from customvision.common.errors import AlreadyExists, InvalidArgument
from customvision.common.quantities import duration_range_words, duration_words

MIN_BUDGET_SECONDS = 60.0
MAX_BUDGET_SECONDS = 24 * 3600.0
DEFAULT_BUDGET_SECONDS = 600.0


class TrainingType(enum.Enum):
    """How a model is trained.

    QUICK fits a head on the features of a frozen backbone; ADVANCED fine-tunes the backbone as well, within a budget.
    """

    QUICK = "quick"
    ADVANCED = "advanced"


class TrainingTypeUnknown(InvalidArgument):
    """The training type is none that this version knows."""

    reason = "TRAINING_TYPE_UNKNOWN"


class RequestIdInvalid(InvalidArgument):
    """The request id is not a UUID of 36 characters."""

    reason = "REQUEST_ID_INVALID"


class RequestIdReused(AlreadyExists):
    """The request id started a run of other content."""

    reason = "REQUEST_ID_REUSED"


class TrainingBudgetInvalid(InvalidArgument):
    """The budget is too short or too long, or is given to a training that has none."""

    reason = "TRAINING_BUDGET_INVALID"


class SelectedTagInvalid(InvalidArgument):
    """An entry of the selected tags is empty."""

    reason = "SELECTED_TAG_INVALID"


class BaseIterationNotAllowed(InvalidArgument):
    """A training that fine-tunes nothing cannot begin with an iteration's network."""

    reason = "BASE_ITERATION_NOT_ALLOWED"


@dataclass(frozen=True)
class RunRequest:
    """What to train, and how. ``budget_seconds`` is None for a quick training; no selected tags means all.

    ``base_project_id`` is empty where the base is of the same project.
    """

    project_id: str
    training_type: TrainingType
    force: bool = False
    budget_seconds: float | None = None
    selected_tag_ids: tuple[str, ...] = ()
    base_iteration_id: str = ""
    base_project_id: str = ""


def checked_budget(
    training_type: TrainingType, budget_seconds: float | None, *, time_limit_seconds: float
) -> float | None:
    """Returns the budget of a training: what was asked for, 10 minutes where nothing was, None for a quick one.

    Raises TrainingBudgetInvalid.
    """
    if training_type is TrainingType.QUICK:
        if budget_seconds is not None:
            raise TrainingBudgetInvalid(
                "training_budget is for advanced training; leave it out, or ask for TRAINING_TYPE_ADVANCED.",
                field="training_budget",
            )
        return None
    longest = min(MAX_BUDGET_SECONDS, time_limit_seconds)
    shortest = min(MIN_BUDGET_SECONDS, longest)
    budget = min(DEFAULT_BUDGET_SECONDS, longest) if budget_seconds is None else budget_seconds
    if not shortest <= budget <= longest:
        raise TrainingBudgetInvalid(
            f"training_budget is {duration_words(budget)}; this service takes "
            f"{duration_range_words(shortest, longest)}. Give such a time, or leave it out.",
            metadata={"budget_seconds": f"{budget:.12g}", "longest_seconds": f"{longest:.12g}"},
            field="training_budget",
        )
    return budget


def checked_tags(tag_ids: Sequence[str]) -> tuple[str, ...]:
    """Returns the tags to train, each once, in the order given. Raises SelectedTagInvalid."""
    if "" in tag_ids:
        position = list(tag_ids).index("")
        raise SelectedTagInvalid(
            f"selected_tag_ids[{position}] is empty; give ids of the project's tags.",
            field=f"selected_tag_ids[{position}]",
        )
    return tuple(dict.fromkeys(tag_ids))


def checked_base(training_type: TrainingType, base_iteration_id: str) -> str:
    """Returns the iteration to begin with, empty for none. Raises BaseIterationNotAllowed."""
    if base_iteration_id and training_type is TrainingType.QUICK:
        raise BaseIterationNotAllowed(
            "base_iteration_id is for advanced training; leave it out, or ask for TRAINING_TYPE_ADVANCED.",
            field="base_iteration_id",
        )
    return base_iteration_id


def checked_base_project(project_id: str, base_project_id: str, base_iteration_id: str) -> str:
    """Returns the project of the iteration to begin with, empty for this one. Raises BaseIterationNotAllowed."""
    if base_project_id and not base_iteration_id:
        raise BaseIterationNotAllowed(
            "base_project_id goes with base_iteration_id; name an iteration to begin with, or leave both out.",
            field="base_project_id",
        )
    return "" if base_project_id == project_id else base_project_id
