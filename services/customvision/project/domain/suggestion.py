"""A suggestion: what a model answers to an untagged image of its project, for people to confirm."""

import enum
from dataclasses import dataclass
from datetime import datetime

from customvision.common.errors import InvalidArgument
from customvision.project.domain.tag_probability import TagProbability
from customvision.project.domain.text import checked_count

MAX_TAGS_OF_LIST = 20
MAX_TAGS_OF_COUNT = 1000


class SuggestionOrder(enum.Enum):
    """The order of a list of suggestions by how unsure the model was."""

    LEAST_CERTAIN_FIRST = "least_certain_first"
    MOST_CERTAIN_FIRST = "most_certain_first"


@dataclass(frozen=True)
class Suggestion:
    """What one iteration answers to one image; ``sequence`` is the image's place in the order of creation."""

    sequence: int
    image_id: str
    project_id: str
    iteration_id: str
    predictions: tuple[TagProbability, ...]
    uncertainty: float
    create_time: datetime


@dataclass(frozen=True)
class SuggestionFilter:
    """Selects suggestions of an iteration that give any of ``tag_ids``, or any tag at all, at least ``threshold``."""

    project_id: str
    iteration_id: str
    tag_ids: tuple[str, ...] = ()
    threshold: float = 0.0
    order: SuggestionOrder = SuggestionOrder.LEAST_CERTAIN_FIRST

    def check(self) -> None:
        """Raises TooManyItems or ThresholdInvalid where no list can be asked for like this."""
        checked_count(self.tag_ids, MAX_TAGS_OF_LIST, "tag_ids")
        check_threshold(self.threshold)


class ThresholdInvalid(InvalidArgument):
    """The threshold is no probability."""

    reason = "THRESHOLD_INVALID"


def check_threshold(threshold: float) -> None:
    """Raises ThresholdInvalid unless ``threshold`` is a number from 0 to 1."""
    if not 0 <= threshold <= 1:
        raise ThresholdInvalid("threshold must be a probability from 0 to 1; leave it out for 0.", field="threshold")
