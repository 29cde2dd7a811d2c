"""What a model answers: the probability of each tag, and how unsure the whole answer is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from customvision.common.errors import InvalidArgument
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.text import MAX_NAME_CHARACTERS, checked_count, checked_text

MAX_TAGS_OF_ANSWER = 10_000


@dataclass(frozen=True)
class TagProbability:
    """How likely one tag is, 0 to 1; the name is the one it had when the model was trained."""

    tag_id: str
    tag_name: str
    probability: float


class ProbabilityInvalid(InvalidArgument):
    """A probability is not a number from 0 to 1."""

    reason = "PROBABILITY_INVALID"


def check_probability(probability: float, field: str) -> None:
    """Raises ProbabilityInvalid unless ``probability`` is a number from 0 to 1."""
    if not (math.isfinite(probability) and 0 <= probability <= 1):
        raise ProbabilityInvalid("A probability must be a number from 0 to 1.", field=field)


def check_answer(predictions: Sequence[TagProbability], field: str = "predictions") -> None:
    """Raises TooManyItems, TextTooLong or ProbabilityInvalid where this cannot be what a model answers."""
    checked_count(predictions, MAX_TAGS_OF_ANSWER, field)
    for index, prediction in enumerate(predictions):
        checked_text(prediction.tag_id, f"{field}[{index}].tag_id", MAX_NAME_CHARACTERS)
        checked_text(prediction.tag_name, f"{field}[{index}].tag_name", MAX_NAME_CHARACTERS)
        check_probability(prediction.probability, f"{field}[{index}].probability")


def uncertainty_of(probabilities: Sequence[float], classification_type: ClassificationType) -> float:
    """Returns the entropy of an answer as a share of the highest possible: 0 is certain, 1 says nothing at all.

    Tags of a multiclass answer share one distribution; each tag of a multilabel answer has its own, yes or no, and
    the mean of their entropies counts. An answer without tags is certain.
    """
    if classification_type is ClassificationType.MULTILABEL:
        entropies = [_entropy((probability, 1 - probability)) for probability in probabilities]
        uncertainty = sum(entropies) / (len(entropies) * math.log(2)) if entropies else 0.0
    elif len(probabilities) < 2:
        uncertainty = 0.0
    else:
        uncertainty = _entropy(_distribution(probabilities)) / math.log(len(probabilities))
    return min(uncertainty, 1.0)


def _distribution(probabilities: Sequence[float]) -> list[float]:
    # A calibrated answer need not add up to 1; one that gives no tag a chance prefers none.
    total = sum(probabilities)
    return [probability / total if total > 0 else 1 / len(probabilities) for probability in probabilities]


def _entropy(distribution: Sequence[float]) -> float:
    return sum(-share * math.log(share) for share in distribution if share > 0)
