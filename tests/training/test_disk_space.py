"""How much room a run is said to need."""

import os
from pathlib import Path

import numpy as np
import pytest

from customvision.common.quantities import size_words
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.computation.feature_cache import EmbeddedImage, FeatureCache
from customvision.training.computation.views import view_count
from customvision.training.runs.disk_space import BYTES_PER_PHOTO, BYTES_PER_VIEW, RESERVE_BYTES, needed_bytes
from customvision.training.runs.run_request import TrainingType

# MobileNetV2 of width 1.4, the widest.
MOST_FEATURES = 4768


@pytest.fixture
def backbone(tmp_path: Path) -> PreparedBackbone:
    """A prepared backbone of 1,500 bytes."""
    backbone = PreparedBackbone("id", "mobilenet_v2_1.4_224", "path", "", "", str(tmp_path))
    backbone.backbone_file.write_bytes(b"x" * 1000)
    backbone.weights_file.write_bytes(b"x" * 500)
    return backbone


def test_estimate_covers_the_cache(tmp_path: Path, backbone: PreparedBackbone) -> None:
    """All views of the widest network's features of a data set fit into the room that a run asks for, the log too."""
    images, views = 120, 4
    vector = np.ones(MOST_FEATURES, np.float32)
    with FeatureCache.open(tmp_path / "features.sqlite", f"{backbone.architecture}/levels-1/{'a' * 80}") as cache:
        cache.add([EmbeddedImage(f"{number:064x}", dict.fromkeys(range(views), vector), 1) for number in range(images)])
        taken = sum(file.stat().st_size for file in tmp_path.glob("features.sqlite*"))
    assert taken > images * views * MOST_FEATURES * 2
    assert images * views * BYTES_PER_VIEW > (tmp_path / "features.sqlite").stat().st_size
    assert needed_bytes(TrainingType.QUICK, images, backbone) > taken


def test_room_follows_images_views_and_checkpoints(backbone: PreparedBackbone) -> None:
    """Room is asked for each image and as many views as such a data set can have; advanced, for photos and checkpoints
    too."""
    for images, views in ((10, 4), (1000, 2), (100_000, 1)):
        needed = needed_bytes(TrainingType.QUICK, images, backbone)
        assert needed == RESERVE_BYTES + images * views * BYTES_PER_VIEW + 1500
        advanced = needed_bytes(TrainingType.ADVANCED, images, backbone)
        assert advanced > needed + images * BYTES_PER_PHOTO + 2 * 1500
        assert all(view_count(images, tags) <= views for tags in range(1, min(images, 500)))


def test_what_the_documentation_says(backbone: PreparedBackbone) -> None:
    """The room that a page tells for some numbers of photos is what is asked for, on the default domain's network."""
    for file, size in ((backbone.backbone_file, 9_321_890), (backbone.weights_file, 9_457_232)):
        os.truncate(file, size)
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    for images in (100, 1000, 10_000):
        kinds = (TrainingType.QUICK, TrainingType.ADVANCED)
        quick, advanced = (size_words(needed_bytes(kind, images, backbone)) for kind in kinds)
        assert f"| {images:,} | {quick} | {advanced} |" in page
