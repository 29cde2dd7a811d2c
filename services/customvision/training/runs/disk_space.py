"""Whether the disk has room for what a run will write, estimated on the safe side."""

import shutil
from pathlib import Path

from customvision.common.quantities import size_words
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.computation.views import view_count
from customvision.training.runs.run_request import TrainingType

# Features of one view of an image, of the widest network, with their place in the cache's index.
BYTES_PER_VIEW = 12 * 1024
# Databases, logs and what else is written by the way.
RESERVE_BYTES = 48 * 1024 * 1024
# The trial's checkpoint, that of the course under way and one that is being written, each with the best epoch's
# variables and the optimiser's two moments beside its own, and the network that comes out, made ready to run.
CHECKPOINTS_PER_NETWORK = 8
# What an advanced training keeps of a photo: two files, of what the largest input sees and a little more.
BYTES_PER_PHOTO = 256 * 1024


class DiskTooFull(Exception):
    """The disk has no room for the run; the message says in a sentence how much is needed."""


def needed_bytes(training_type: TrainingType, image_count: int, backbone: PreparedBackbone) -> int:
    """Returns the bytes that a run writes at most: features, artifacts and, advanced, checkpoints and photos."""
    network = backbone.backbone_file.stat().st_size + backbone.weights_file.stat().st_size
    advanced = training_type is TrainingType.ADVANCED
    copies = 1 + (CHECKPOINTS_PER_NETWORK if advanced else 0)
    photos = image_count * BYTES_PER_PHOTO if advanced else 0
    # At most, that is with as few images of each tag as there can be.
    features = image_count * view_count(image_count, tags=image_count) * BYTES_PER_VIEW
    return RESERVE_BYTES + features + photos + copies * network


def check_disk_space(folder: Path, needed: int) -> None:
    """Raises DiskTooFull where the disk of ``folder`` has less than ``needed`` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskTooFull(
            f"The training needs about {size_words(needed)} on the disk of the data folder, and "
            f"{size_words(free)} are free. Make room, then train again."
        )
