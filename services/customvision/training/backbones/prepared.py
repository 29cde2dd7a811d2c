"""A backbone that is ready to run, as it lies in its folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from customvision.common.durable_files import fsync_folder

BACKBONE_FILE = "backbone.zip"
WEIGHTS_FILE = "backbone.weights.h5"
DESCRIPTION_FILE = "backbone.json"
NUISANCES_FILE = "nuisances.npz"


@dataclass(frozen=True)
class PreparedBackbone:
    """A backbone's identity and where its files are.

    ``weights_source`` is path, data_folder, keras_download or built_in; ``backbone_sha256`` is the digest of the
    artifact that runs, ``weights_sha256`` of the Keras weights; ``warning`` is a sentence for the user, or empty.
    """

    backbone_id: str
    architecture: str
    weights_source: str
    backbone_sha256: str
    weights_sha256: str
    folder: str
    warning: str = ""

    @property
    def backbone_file(self) -> Path:
        """The artifact that training and prediction run."""
        return Path(self.folder) / BACKBONE_FILE

    @property
    def weights_file(self) -> Path:
        """The Keras weights that exports are made from."""
        return Path(self.folder) / WEIGHTS_FILE

    @property
    def nuisances_file(self) -> Path:
        """What a head is fitted with; not there where the weights say nothing of it."""
        return Path(self.folder) / NUISANCES_FILE

    def to_record(self) -> dict[str, Any]:
        """Returns the fields as what JSON can hold."""
        return asdict(self)


def read_digests(folder: Path) -> tuple[str, str] | None:
    """Returns the digests of the backbone and its weights in ``folder``, or None where it was never finished."""
    description = folder / DESCRIPTION_FILE
    if not description.exists():
        return None
    content = json.loads(description.read_text())
    return content["backbone_sha256"], content["weights_sha256"]


def place_durably(temporary: Path, folder: Path) -> None:
    """Renames a filled folder to its final name, its files fsynced, and makes the name durable."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fsync_folder(temporary)
    temporary.rename(folder)
    fsync_folder(folder.parent)
