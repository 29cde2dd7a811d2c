"""How much a few photos teach on each backbone: the built-in one, ImageNet weights, and chance."""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
from figures import Figure
from photos import DATA_SETS, WEIGHTS, Photos, data_sets

from customvision.training.backbones.conversion import convert
from customvision.training.backbones.network import bare_network, save_network
from customvision.training.backbones.nuisances import Nuisances
from customvision.training.backbones.prepared import BACKBONE_FILE, NUISANCES_FILE
from customvision.training.backbones.sources import BUILT_IN
from customvision.training.backbones.weights_file import read_shape
from customvision.training.computation.head_fit import Examples, fit_head
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.trunk import Features, Trunk

PER_CLASS = (5, 10, 30)
DRAWS = 3
# The built-in backbone was trained without these; see its model card.
NEVER_SEEN = ("clothing", "eurosat_rgb", "trashnet")
WAY_TO_GO = 0.85
TIMED_IMAGES = 200
BUILT_IN_NAME, LARGE, SMALL, RANDOM = "built-in", "ImageNet 1.0", "ImageNet 0.35", "random"


def measure(folder: Path) -> list[Figure]:
    """Fits heads on 5, 10 and 30 photos per class of each data set, on each backbone, and asks about all others."""
    if not DATA_SETS.is_dir():
        return [Figure("accuracy on few photos per class", "needs the data sets beside the repository")]
    trunks = {name: _trunk(name, file, folder) for name, file in _weights_files(folder).items()}
    nuisances = {name: Nuisances.load(folder / name / NUISANCES_FILE) for name in trunks}
    figures = []
    for photos in data_sets():
        features = {name: _features(trunk, photos) for name, trunk in trunks.items()}
        for per_class in PER_CLASS:
            if photos.has_more_than(per_class):
                accuracies = {
                    name: _accuracy(found, nuisances[name], photos, per_class) for name, found in features.items()
                }
                figures.append(_figure(photos, per_class, accuracies))
    return [*figures, *_cost(trunks)]


def _figure(photos: Photos, per_class: int, accuracies: dict[str, float]) -> Figure:
    own = accuracies.pop(BUILT_IN_NAME)
    value = f"{own:.3f}"
    if LARGE in accuracies:
        way = (own - photos.chance) / (accuracies[LARGE] - photos.chance)
        value += f", {way:.0%} of the way"
    unseen = photos.name in NEVER_SEEN
    return Figure(
        f"{photos.name}{' (never seen)' if unseen else ''}, {per_class} per class",
        value,
        baseline=", ".join(f"{name} {accuracy:.3f}" for name, accuracy in accuracies.items()),
        goal=f"≥ {WAY_TO_GO:.0%} of the way" if unseen else "",
    )


def _cost(trunks: dict[str, Trunk]) -> list[Figure]:
    seconds = {name: _seconds_per_image(trunk) * 1000 for name, trunk in trunks.items()}
    return [
        Figure(
            "one image through the backbone, one core",
            f"{seconds.pop(BUILT_IN_NAME):.2f} ms",
            baseline=", ".join(f"{name} {spent:.2f} ms" for name, spent in seconds.items()),
            goal="≤ 2 ms",
        ),
        Figure("built-in weights file", f"{BUILT_IN.stat().st_size / 1e6:.2f} MB", goal="≤ 4 MB"),
    ]


def _weights_files(folder: Path) -> dict[str, Path]:
    shape = read_shape(BUILT_IN)
    random = folder / "random.weights.h5"
    keras.utils.set_random_seed(0)
    save_network(bare_network(shape.network), random, shape.features_today)
    small = WEIGHTS.with_name("mobilenet_v2_0.35_224_no_top.weights.h5")
    present = {LARGE: WEIGHTS, SMALL: small, **_own()}
    return {BUILT_IN_NAME: BUILT_IN, **{name: file for name, file in present.items() if file.is_file()}, RANDOM: random}


def _own() -> dict[str, Path]:
    named = os.environ.get("CUSTOMVISION_BACKBONE_WEIGHTS")
    return {"yours": Path(named)} if named else {}


def _trunk(name: str, weights_file: Path, folder: Path) -> Trunk:
    prepared = folder / name
    architecture = read_shape(weights_file).architecture
    convert(weights_file=weights_file, backbone_id=name, architecture=architecture, folder=prepared)
    artifact = BackboneArtifact.from_bytes((prepared / BACKBONE_FILE).read_bytes())
    with tempfile.TemporaryDirectory() as files:
        return Trunk.load(*artifact.write_model(Path(files)), threads=1)


def _features(trunk: Trunk, photos: Photos) -> Features:
    size = trunk.input_size
    with ThreadPoolExecutor(2) as pool:
        return np.stack(
            list(pool.map(lambda path: trunk.embed(decode_for_backbone(path.read_bytes(), size)), photos.paths))
        )


def _accuracy(features: Features, nuisances: Nuisances, photos: Photos, per_class: int) -> float:
    """Returns the mean over draws of the share of photos that were not drawn and are told right."""
    shares, labels = [], photos.labels
    for draw in range(DRAWS):
        drawn, others = photos.draw(per_class, draw)
        truth = np.eye(len(photos.class_names), dtype=np.uint8)[labels[drawn]]
        examples = Examples.of(features[drawn][:, None], truth, nuisances)
        head = fit_head(examples, np.arange(len(drawn)), multilabel=False).head
        shares.append(np.mean(head.probabilities(features[others]).argmax(axis=1) == labels[others]))
    return float(np.mean(shares))


def _seconds_per_image(trunk: Trunk) -> float:
    pixels = np.random.default_rng(0).integers(0, 256, (trunk.input_size, trunk.input_size, 3), dtype=np.uint8)
    started = time.perf_counter()
    for _ in range(TIMED_IMAGES):
        trunk.embed(pixels)
    return (time.perf_counter() - started) / TIMED_IMAGES
