"""What an export is made of, as the child process reads it."""

import json
from dataclasses import dataclass
from pathlib import Path

from customvision.training.export.working_folder import (
    BACKBONE_FILE,
    IMAGE_IDS_FILE,
    IMAGES_FOLDER,
    MODEL_FILE,
    WEIGHTS_FILE,
)
from customvision.vision.artifacts import BackboneArtifact, ModelArtifact


@dataclass(frozen=True)
class Makings:
    """A model, the backbone as it is served, the same as Keras weights, and the files of held-out images by id."""

    model: ModelArtifact
    backbone: BackboneArtifact
    weights_file: Path
    image_files: dict[str, Path]

    @classmethod
    def read(cls, folder: Path) -> "Makings":
        """Reads what fetch_makings wrote. Raises ArtifactInvalid."""
        image_ids: list[str] = json.loads((folder / IMAGE_IDS_FILE).read_text())
        return cls(
            model=ModelArtifact.from_bytes((folder / MODEL_FILE).read_bytes()),
            backbone=BackboneArtifact.from_bytes((folder / BACKBONE_FILE).read_bytes()),
            weights_file=folder / WEIGHTS_FILE,
            image_files={image_id: folder / IMAGES_FOLDER / str(number) for number, image_id in enumerate(image_ids)},
        )
