"""What a training was asked for: its type, and what narrows or lengthens it."""

import enum
from dataclasses import dataclass, replace
from datetime import timedelta

from customvision.common.errors import InvalidArgument
from customvision.project.domain.text import checked_count

MAX_SELECTED_TAGS = 1000
MAX_BUDGET = timedelta(hours=24)
# A training is one model: it cannot be asked for in parts.
SELECT_FEWER = "Select fewer, or none to train on all tags."


class TrainingType(enum.Enum):
    """How a model is trained."""

    QUICK = "quick"
    ADVANCED = "advanced"


class TrainingBudgetInvalid(InvalidArgument):
    """A budget of no time or above 24 hours, or one for a training that takes none."""

    reason = "TRAINING_BUDGET_INVALID"


class BaseIterationNotAllowed(InvalidArgument):
    """A quick training begins with nothing but the domain's backbone."""

    reason = "BASE_ITERATION_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__(
            "Only an advanced training begins with an iteration; ask for one, or leave base_iteration_id out.",
            field="base_iteration_id",
        )


@dataclass(frozen=True)
class TrainingRequest:
    """What was asked for: ``selected_tag_ids`` empty for all tags, ``base_iteration_id`` empty for none.

    ``base_project_id`` is empty where the base is of the same project.
    """

    training_type: TrainingType = TrainingType.QUICK
    training_budget: timedelta | None = None
    selected_tag_ids: tuple[str, ...] = ()
    base_iteration_id: str = ""
    base_project_id: str = ""

    @property
    def particulars(self) -> tuple[object, ...]:
        """What was asked for beside the type; empty where nothing was."""
        asked = (self.training_budget, self.selected_tag_ids, self.base_iteration_id)
        # What came later adds nothing where it is not used: so digests of earlier versions still match.
        return (*asked, *filter(None, [self.base_project_id])) if any(asked) else ()

    def checked(self, project_id: str) -> "TrainingRequest":
        """Returns the request of that project with each tag once, and its own id not named as the base's.

        Raises TooManyItems, TrainingBudgetInvalid or BaseIterationNotAllowed.
        """
        checked_count(self.selected_tag_ids, MAX_SELECTED_TAGS, "selected_tag_ids", advice=SELECT_FEWER)
        if self.training_budget is not None:
            self._check_budget(self.training_budget)
        if self.base_iteration_id and self.training_type is not TrainingType.ADVANCED:
            raise BaseIterationNotAllowed
        elsewhere = self.base_iteration_id and self.base_project_id != project_id
        return replace(
            self,
            selected_tag_ids=tuple(dict.fromkeys(self.selected_tag_ids)),
            base_project_id=self.base_project_id if elsewhere else "",
        )

    def _check_budget(self, budget: timedelta) -> None:
        if self.training_type is not TrainingType.ADVANCED:
            raise TrainingBudgetInvalid(
                "Only an advanced training takes a budget; ask for one, or leave training_budget out.",
                field="training_budget",
            )
        if not timedelta() < budget <= MAX_BUDGET:
            raise TrainingBudgetInvalid(
                "training_budget must be a time of at most 24 hours; give another, or leave it out.",
                field="training_budget",
            )
