"""Several images to one model in one call."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from customvision.prediction.caller import Caller
from customvision.prediction.errors import NothingGiven, TooManyItems
from customvision.prediction.model import Model
from customvision.prediction.outcomes import Outcome, outcome_of
from customvision.prediction.predictor import Predictor
from customvision.prediction.publication import PublishedModel
from customvision.prediction.question import Question

MAX_IMAGES = 64


@dataclass(frozen=True)
class BatchAnswer:
    """What one model said of each image, in order."""

    published: PublishedModel
    outcomes: list[Outcome]


class Batches:
    """Has a batch take its turns among other questions image by image; its bytes are held throughout."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    async def predict(self, questions: Sequence[Question], caller: Caller) -> BatchAnswer:
        """Answers questions that differ only in their image.

        Raises NothingGiven, TooManyItems, and what Predictor.hold and Predictor.find_model raise; what concerns one
        image is its outcome.
        """
        _check_count(len(questions))
        with self._predictor.hold(questions, caller):
            model = await self._predictor.find_model(questions[0], caller)
            at_once = asyncio.Semaphore(self._predictor.at_once)
            outcomes = await asyncio.gather(
                *(self._outcome(model, question, caller, at_once) for question in questions)
            )
        return BatchAnswer(model.published, outcomes)

    async def _outcome(self, model: Model, question: Question, caller: Caller, at_once: asyncio.Semaphore) -> Outcome:
        async with at_once:
            return await outcome_of(self._predictor.answer(model, question, caller))


def _check_count(count: int) -> None:
    if not count:
        raise NothingGiven("images is empty; give at least one.", field="images")
    if count > MAX_IMAGES:
        raise TooManyItems(
            f"images has {count:,} entries; one call takes at most {MAX_IMAGES}. Split them over several calls, or use "
            "PredictStream.",
            metadata={"count": str(count), "max_count": str(MAX_IMAGES)},
            field="images",
        )
