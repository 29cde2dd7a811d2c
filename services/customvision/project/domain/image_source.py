"""Where an image is to be fetched."""

from dataclasses import dataclass

from customvision.common.url_fetching.web_url import file_name_of
from customvision.project.domain.image_metadata import Metadata
from customvision.project.domain.image_upload import MAX_TAGS
from customvision.project.domain.text import checked_count


@dataclass(frozen=True)
class ImageSource:
    """The URL of an image as a caller gave it, the tags to give the image, and metadata to keep with it."""

    url: str
    tag_ids: tuple[str, ...]
    metadata: Metadata

    @property
    def file_name(self) -> str:
        """What the image is called; empty where the URL does not say."""
        return file_name_of(self.url)

    def check(self, field: str) -> None:
        """Raises TooManyItems, naming the field below ``field``."""
        checked_count(self.tag_ids, MAX_TAGS, f"{field}.tag_ids")
