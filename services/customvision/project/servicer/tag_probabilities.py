"""What models answer, between messages and the domain."""

from collections.abc import Iterable, Iterator

from customvision.project.domain.tag_probability import TagProbability
from customvision.v1 import stored_predictions_pb2


def answer_of(messages: Iterable[stored_predictions_pb2.TagProbability]) -> tuple[TagProbability, ...]:
    """Returns the answer that messages carry."""
    return tuple(TagProbability(entry.tag_id, entry.tag_name, entry.probability) for entry in messages)


def answer_messages(answer: Iterable[TagProbability]) -> Iterator[stored_predictions_pb2.TagProbability]:
    """Yields the messages of an answer."""
    for entry in answer:
        yield stored_predictions_pb2.TagProbability(
            tag_id=entry.tag_id, tag_name=entry.tag_name, probability=entry.probability
        )
