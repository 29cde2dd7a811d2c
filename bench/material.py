"""What the parts share: made once, when the first of them asks for it."""

from functools import cached_property
from pathlib import Path

from figures import tell
from photos import backbone_settings
from prediction_options import LARGE, SMALL, Options
from prediction_photos import large_photos, small_photos
from trained_model import TrainedModel, train_model

SIZE_NAMES = {SMALL: "~400 px", LARGE: "12 megapixels"}


class Material:
    """The options, a trained model and photos. ``folder`` must stay as long as they are used."""

    def __init__(self, folder: Path, options: Options) -> None:
        self._folder = folder
        self.options = options

    @cached_property
    def trained(self) -> TrainedModel:
        """A model on the network that ``backbone_settings`` name."""
        return train_model(self._made("trained"), backbone_settings())

    @cached_property
    def on_built_in(self) -> TrainedModel:
        """A model on the small built-in network."""
        return train_model(self._made("on built in"), {"CUSTOMVISION_BACKBONE_DOWNLOAD": "off"})

    @cached_property
    def small(self) -> list[bytes]:
        """JPEG files of about 400 px."""
        return small_photos(self._made("small"))

    @cached_property
    def large(self) -> list[bytes]:
        """JPEG files of 12 megapixels."""
        tell("enlarging photos to 12 megapixels")
        return large_photos(self.small)

    def photos(self, size: str) -> list[bytes]:
        """Returns the photos of a size, SMALL or LARGE."""
        return self.large if size == LARGE else self.small

    def _made(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder
