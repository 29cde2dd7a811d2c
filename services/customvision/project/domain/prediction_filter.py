"""Which stored predictions a list shows, and in which order."""

import enum
from dataclasses import dataclass
from datetime import datetime

from customvision.project.domain.stored_prediction import MAX_APPLICATION_CHARACTERS
from customvision.project.domain.tag_probability import check_probability
from customvision.project.domain.text import FEWER, checked_count, checked_text

MAX_TAG_FILTERS = 2


class PredictionOrder(enum.Enum):
    """The order of a list; SUGGESTED puts first what the model was least sure of, the newest of equals before."""

    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"
    SUGGESTED = "suggested"


@dataclass(frozen=True)
class PredictionTagFilter:
    """Selects predictions that give the tag a probability from ``min_probability`` to ``max_probability``, both in."""

    tag_id: str
    min_probability: float = 0.0
    max_probability: float = 1.0


@dataclass(frozen=True)
class PredictionFilter:
    """Selects predictions of a project: those that match all that is given; "" and None mean any.

    ``start_time`` is included, ``end_time`` is not.
    """

    project_id: str
    iteration_id: str = ""
    application: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    tags: tuple[PredictionTagFilter, ...] = ()
    order: PredictionOrder = PredictionOrder.NEWEST_FIRST

    def check(self) -> None:
        """Raises TextTooLong, TooManyItems or ProbabilityInvalid where no list can be asked for like this."""
        checked_text(self.application, "application", MAX_APPLICATION_CHARACTERS)
        checked_count(self.tags, MAX_TAG_FILTERS, "tags", advice=FEWER)
        for index, tag in enumerate(self.tags):
            check_probability(tag.min_probability, f"tags[{index}].min_probability")
            check_probability(tag.max_probability, f"tags[{index}].max_probability")
