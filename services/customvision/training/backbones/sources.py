"""Where a backbone's weights come from: the file that was named, the data folder, Keras' download, or our own."""

import enum
import hashlib
from dataclasses import dataclass
from pathlib import Path

from customvision.training.backbones.download import DownloadUnavailable, downloaded_weights

BUILT_IN = Path(__file__).with_name("built_in") / "backbone.weights.h5"
SETTING = "CUSTOMVISION_BACKBONE_WEIGHTS"
PATTERNS = ("*.weights.h5", "*.h5")


class WeightsSource(enum.Enum):
    """Where weights came from."""

    PATH = "path"
    DATA_FOLDER = "data_folder"
    KERAS_DOWNLOAD = "keras_download"
    BUILT_IN = "built_in"


@dataclass(frozen=True)
class Weights:
    """Weights that were found; ``identity`` is equal for equal weights."""

    source: WeightsSource
    file: Path
    identity: str
    warning: str = ""


def find_weights(*, named: Path | None, folder: Path, download: bool) -> Weights:
    """Returns the weights to use: ``named``, else a file in ``folder``, else Keras' own, else the built-in ones."""
    if named is not None:
        return _of_file(WeightsSource.PATH, named)
    present = sorted({file for pattern in PATTERNS for file in folder.glob(pattern)})
    if present:
        several = f"{folder} holds several weights files; {present[0].name} is used." if len(present) > 1 else ""
        return _of_file(WeightsSource.DATA_FOLDER, present[0], several)
    if not download:
        return _built_in("downloads are switched off")
    try:
        return _of_file(WeightsSource.KERAS_DOWNLOAD, downloaded_weights(folder / "keras"))
    except DownloadUnavailable as error:
        return _built_in(str(error))


def _of_file(source: WeightsSource, file: Path, warning: str = "") -> Weights:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Weights(source, file, digest[:16], warning)


def _built_in(cause: str) -> Weights:
    return _of_file(
        WeightsSource.BUILT_IN,
        BUILT_IN,
        f"The small built-in backbone is used ({cause}, and no weights file was given). ImageNet weights are more "
        f"accurate: set {SETTING} to a MobileNetV2 weights file, or put one into the 'backbones' folder of the data "
        "folder, restart, and train again.",
    )
