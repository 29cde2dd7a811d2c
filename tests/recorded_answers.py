"""Answers of models that tests of stored predictions and suggestions record."""

from collections.abc import Mapping

from hypothesis import strategies as st

from customvision.project.domain.tag_probability import TagProbability
from customvision.v1 import stored_predictions_pb2

TAG_IDS = ("dahlia", "rose", "tulip")
SHARES = st.sampled_from([0.0, 0.25, 0.5, 1.0])
# Answers of few values, so that many are equal.
ANSWERS = st.dictionaries(st.sampled_from(TAG_IDS), SHARES).map(
    lambda shares: tuple(TagProbability(tag_id, tag_id, share) for tag_id, share in shares.items())
)


def answer(shares: Mapping[str, float]) -> list[stored_predictions_pb2.TagProbability]:
    """Returns the messages of an answer, by tag id."""
    return [
        stored_predictions_pb2.TagProbability(tag_id=tag_id, tag_name=f"name of {tag_id}", probability=share)
        for tag_id, share in shares.items()
    ]


def share_of(predictions: tuple[TagProbability, ...], tag_id: str) -> float | None:
    """Returns the probability of one tag, None where the answer does not name it."""
    return next((entry.probability for entry in predictions if entry.tag_id == tag_id), None)
