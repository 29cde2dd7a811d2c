"""Where a backbone's weights come from: the file that was named, the data folder, Keras' download, or our own."""

import enum
import hashlib
from dataclasses import dataclass
from pathlib import Path

from customvision.training.backbones.architectures import DEFAULT, MOBILENET_V2, Architecture
from customvision.training.backbones.download import DownloadUnavailable, downloaded_weights
from customvision.training.backbones.weights_file import WeightsUnusable, read_shape

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


def find_weights(architecture: Architecture, *, named: Path | None, folder: Path, download: bool) -> Weights:
    """Returns the weights for ``architecture``: ``named``, else a file in ``folder``, else Keras', else the built-in.

    Files must fit it. But who names a file for another network wants it, and so it serves in place of the default one,
    as does any MobileNetV2 in ``folder`` where none fits. Raises WeightsUnusable where ``named`` is of no network.
    """
    if named is not None and (architecture == DEFAULT or read_shape(named).network == architecture):
        return _of_file(WeightsSource.PATH, named)
    usable = _usable_files(architecture, folder)
    if usable:
        several = f"{folder} holds several weights files for {architecture.name}; {usable[0].name} is used."
        return _of_file(WeightsSource.DATA_FOLDER, usable[0], several if len(usable) > 1 else "")
    if not download:
        return _built_in(architecture, "downloads are switched off")
    try:
        return _of_file(WeightsSource.KERAS_DOWNLOAD, downloaded_weights(architecture, folder / "keras"))
    except DownloadUnavailable as error:
        return _built_in(architecture, str(error))


def _usable_files(architecture: Architecture, folder: Path) -> list[Path]:
    present = sorted({file for pattern in PATTERNS for file in folder.glob(pattern)})
    networks = {file: _network_of(file) for file in present}
    fitting = [file for file, network in networks.items() if network == architecture]
    if fitting or architecture != DEFAULT:
        return fitting
    # A file that cannot be read is kept, so that its user is told.
    return [file for file, network in networks.items() if network is None or network.family == MOBILENET_V2]


def _network_of(file: Path) -> Architecture | None:
    try:
        return read_shape(file).network
    except WeightsUnusable:
        return None


def _of_file(source: WeightsSource, file: Path, warning: str = "") -> Weights:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Weights(source, file, digest[:16], warning)


def _built_in(architecture: Architecture, cause: str) -> Weights:
    return _of_file(WeightsSource.BUILT_IN, BUILT_IN, _apology(architecture, cause))


def _apology(architecture: Architecture, cause: str) -> str:
    if architecture == DEFAULT:
        return (
            f"The small built-in backbone is used ({cause}, and no weights file was given). ImageNet weights are more "
            f"accurate: set {SETTING} to a MobileNetV2 weights file, or put one into the 'backbones' folder of the "
            "data folder, restart, and train again."
        )
    keras_file = f", such as {architecture.keras_url}," if architecture.keras_url else ""
    return (
        f"The small built-in backbone is used in place of the domain's {architecture.name} ({cause}, and no weights "
        f"file of it was given). ImageNet weights are more accurate: put a weights file of Keras' "
        f"{architecture.family.keras_name} of that width{keras_file} into the 'backbones' folder of the data folder, "
        "restart, and train again."
    )
