"""One question to a model: which model, which image, and what to do with the answer."""

from dataclasses import dataclass

from customvision.prediction.caller import Caller
from customvision.prediction.errors import FieldsExclusive, TextTooLong

MAX_APPLICATION_CHARACTERS = 256


@dataclass(frozen=True)
class Question:
    """The model is what is published as ``publish_name``, or the iteration; the image is its bytes, or at a URL.

    ``store`` keeps image and answer, under the label ``application``.
    """

    project_id: str
    publish_name: str = ""
    iteration_id: str = ""
    image_data: bytes = b""
    image_url: str = ""
    store: bool = False
    application: str = ""

    def check_model(self, caller: Caller) -> None:
        """Raises KeyNotSufficient where the caller may not ask an iteration, FieldsExclusive, TextTooLong."""
        if self.iteration_id:
            caller.require_training_key()
        if self.publish_name and self.iteration_id:
            raise FieldsExclusive("publish_name", "iteration_id")
        check_length("application", self.application, MAX_APPLICATION_CHARACTERS)

    def check_image(self) -> None:
        """Raises FieldsExclusive where the image is given twice."""
        if self.image_data and self.image_url:
            raise FieldsExclusive("image_data", "image_url")


def check_length(field: str, text: str, most: int) -> None:
    """Raises TextTooLong where ``text`` has more characters than its field allows."""
    if len(text) > most:
        raise TextTooLong(
            f"{field} has {len(text):,} characters; at most {most} are allowed. Shorten it.",
            metadata={"characters": str(len(text)), "max_characters": str(most)},
            field=field,
        )
