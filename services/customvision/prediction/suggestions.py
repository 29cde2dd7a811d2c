"""Answers for images that have no tags yet, kept in the project for people to confirm."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import structlog

from customvision.prediction.caller import Caller
from customvision.prediction.errors import NothingGiven, TooManyItems
from customvision.prediction.iteration_models import IterationModels
from customvision.prediction.model import TagProbability
from customvision.prediction.predictor import MAX_LOAD_WAIT_SECONDS, Predictor
from customvision.vision.decoding import ImageFormatUnknown, ImageHasTooManyPixels, ImageTooLarge

MAX_IMAGES = 64

log = structlog.get_logger()


@dataclass(frozen=True)
class DownloadedImage:
    """An image of the project; ``data`` is None where it is gone or its file is lost."""

    image_id: str
    data: bytes | None


@dataclass(frozen=True)
class ImageAnswer:
    """What a model answers to one image of the project."""

    image_id: str
    predictions: tuple[TagProbability, ...]


@dataclass(frozen=True)
class Suggestion:
    """An answer as the project keeps it; ``uncertainty`` is 0 to 1."""

    image_id: str
    project_id: str
    iteration_id: str
    predictions: tuple[TagProbability, ...]
    uncertainty: float
    create_time: datetime


DownloadImages = Callable[[str, Sequence[str]], AsyncGenerator[DownloadedImage, None]]
RecordSuggestions = Callable[[str, str, Sequence[ImageAnswer]], Awaitable[list[Suggestion]]]


class Suggestions:
    """Reads images from the project, asks a model, and has the project keep the answers."""

    def __init__(
        self, models: IterationModels, predictor: Predictor, download: DownloadImages, record: RecordSuggestions
    ) -> None:
        self._models = models
        self._predictor = predictor
        self._download = download
        self._record = record

    async def suggest(
        self, project_id: str, iteration_id: str, image_ids: Sequence[str], caller: Caller
    ) -> list[Suggestion]:
        """Returns the suggestions that were kept, in order; images that are gone, damaged or tagged are left out.

        Raises KeyNotSufficient, NothingGiven, TooManyItems, PredictionQueueFull, PredictionTooLate, what
        IterationModels.find raises, and what the project service answers.
        """
        caller.require_training_key()
        _check(image_ids)
        model = await self._models.find(project_id, iteration_id, seconds=MAX_LOAD_WAIT_SECONDS)
        answers: list[ImageAnswer] = []
        async with aclosing(self._download(project_id, list(dict.fromkeys(image_ids)))) as images:
            async for image in images:
                if image.data is None:
                    continue
                try:
                    predictions = await self._predictor.compute(model, image.data, caller)
                except (ImageFormatUnknown, ImageTooLarge, ImageHasTooManyPixels) as error:
                    log.warning("no suggestion for an image", image_id=image.image_id, problem=error.message)
                else:
                    answers.append(ImageAnswer(image.image_id, tuple(predictions)))
        return await self._record(project_id, model.published.iteration_id, answers) if answers else []


def _check(image_ids: Sequence[str]) -> None:
    if not image_ids:
        raise NothingGiven("image_ids is empty; give at least one entry.", field="image_ids")
    if len(image_ids) > MAX_IMAGES:
        raise TooManyItems(
            f"image_ids has {len(image_ids):,} entries; one call takes at most {MAX_IMAGES}. Split them over several "
            "calls.",
            metadata={"count": str(len(image_ids)), "max_count": str(MAX_IMAGES)},
            field="image_ids",
        )
