"""A stored prediction: an answer kept with its image, for people to look at and correct."""

from dataclasses import dataclass
from datetime import datetime

from customvision.common.errors import AlreadyExists, InvalidArgument, NotFound
from customvision.project.domain.image import ImageContent
from customvision.project.domain.tag_probability import TagProbability, check_answer
from customvision.project.domain.text import MAX_NAME_CHARACTERS, checked_text, is_uuid, shortened

MAX_APPLICATION_CHARACTERS = 256


@dataclass(frozen=True)
class NewPrediction:
    """An answer on its way in, with the image's file as it was sent; ``application`` is a label to find it by."""

    prediction_id: str
    project_id: str
    iteration_id: str
    publish_name: str
    image_data: bytes
    predictions: tuple[TagProbability, ...]
    application: str = ""

    def check(self) -> None:
        """Raises PredictionIdInvalid, TextTooLong, TooManyItems or ProbabilityInvalid; does not look at the image."""
        if not is_uuid(self.prediction_id):
            raise PredictionIdInvalid
        checked_text(self.iteration_id, "iteration_id", MAX_NAME_CHARACTERS)
        checked_text(self.publish_name, "publish_name", MAX_NAME_CHARACTERS)
        checked_text(self.application, "application", MAX_APPLICATION_CHARACTERS)
        check_answer(self.predictions)


@dataclass(frozen=True)
class StoredPrediction:
    """An answer with its image; ``sequence`` is its place in the order of arrival.

    ``application`` is the label that the caller gave, ``uncertainty`` that of the answer, 0 to 1, and ``domain_id``
    the domain of the model.
    """

    sequence: int
    prediction_id: str
    project_id: str
    iteration_id: str
    publish_name: str
    predictions: tuple[TagProbability, ...]
    content: ImageContent
    create_time: datetime
    application: str
    uncertainty: float
    domain_id: str


@dataclass(frozen=True)
class PredictionCorrection:
    """What the image of a stored prediction really shows."""

    prediction_id: str
    tag_ids: tuple[str, ...]


class PredictionNotFound(NotFound):
    """The project has no such stored prediction."""

    reason = "PREDICTION_NOT_FOUND"

    def __init__(self, prediction_id: str) -> None:
        super().__init__(
            f"The project has no stored prediction with id '{shortened(prediction_id)}'; "
            "ListPredictions shows those there are.",
            metadata={"prediction_id": prediction_id},
        )


class PredictionFileLost(NotFound):
    """The record is there, the image's file is not, or it is damaged."""

    reason = "PREDICTION_FILE_LOST"

    def __init__(self, prediction_id: str) -> None:
        super().__init__(
            "The stored prediction's image is lost or damaged; delete the prediction, or restore the data folder from "
            "a backup.",
            metadata={"prediction_id": prediction_id},
        )


class PredictionIdInvalid(InvalidArgument):
    """The id of a prediction to keep is not a UUID."""

    reason = "PREDICTION_ID_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "prediction_id must be a UUID such as 5f6dcfd5-c3d5-4c5c-9a7e-0d9d3f5a8b1c; make a fresh one for each "
            "prediction.",
            field="prediction_id",
        )


class PredictionIdTaken(AlreadyExists):
    """The id was used for another prediction."""

    reason = "PREDICTION_ID_TAKEN"

    def __init__(self, prediction_id: str) -> None:
        super().__init__(
            "This prediction_id names another stored prediction; give each prediction an id of its own.",
            metadata={"prediction_id": prediction_id},
        )
