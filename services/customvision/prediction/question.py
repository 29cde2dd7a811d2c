"""One question to a model: which model, which image, and what to do with the answer."""

from dataclasses import dataclass

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

    def check(self) -> None:
        """Raises FieldsExclusive where model or image is named twice, TextTooLong for a long label."""
        if self.publish_name and self.iteration_id:
            raise FieldsExclusive("publish_name", "iteration_id")
        if self.image_data and self.image_url:
            raise FieldsExclusive("image_data", "image_url")
        if len(self.application) > MAX_APPLICATION_CHARACTERS:
            raise TextTooLong(
                f"application has {len(self.application):,} characters; at most {MAX_APPLICATION_CHARACTERS} are "
                "allowed. Shorten it.",
                metadata={"characters": str(len(self.application)), "max_characters": str(MAX_APPLICATION_CHARACTERS)},
                field="application",
            )
