"""What a quantised trunk costs in accuracy and gains in speed, and how far it answers from the same in float32."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
from accuracy import NEEDED, chosen_data_sets
from domains import bare_trunk
from embedded_photos import EmbeddedPhotos, Networks, product_trunk
from figures import Figure, tell
from outcomes import quick_fit
from photos import DATA_SETS, own_weights
from training_options import Options

from customvision.common.processors import available_cores
from customvision.training.backbones.network import bare_network_from_file, with_pixels_in
from customvision.training.computation.embedding import THREADS_PER_CORE, Embedder
from customvision.vision.artifacts import F32, INT8
from customvision.vision.decoding import RgbPixels, decode_for_backbone
from customvision.vision.trunk import Trunk

ROUNDS, TIMED_IMAGES = 5, 200


@dataclass(frozen=True)
class Comparison:
    """Heads of one draw: the accuracy of each on its own trunk, and of int8's on float32 features.

    ``furthest`` and ``mean`` are differences of probabilities between int8's head on either, 0 to 1.
    """

    data_set: str
    per_class: int
    f32: float
    int8: float
    moved: float
    furthest: float
    mean: float
    same_tag: float


def measure(folder: Path, options: Options) -> list[Figure]:
    """Fits quick models on both trunks' features, on the same draws, and times both trunks in turn."""
    weights = own_weights()
    if not DATA_SETS.is_dir() or weights is None:
        return [Figure("f32 and int8", NEEDED)]
    if find_spec("nncf") is None:
        return [Figure("f32 and int8", "needs NNCF: pip install 'customvision[int8]'")]
    trunks = {name: product_trunk(weights, folder / name, name) for name in (F32, INT8)}
    bare = bare_trunk(with_pixels_in(bare_network_from_file(weights)), "bare", folder, threads=available_cores())
    comparisons = list(_comparisons({name: Networks(Embedder(trunk), bare) for name, trunk in trunks.items()}, options))
    sizes = sorted({comparison.per_class for comparison in comparisons})
    pixels = [
        decode_for_backbone(path.read_bytes(), bare.input_size)
        for photos in chosen_data_sets(options)
        for path in photos.paths[:20]
    ]
    return [
        *(_accuracy([own for own in comparisons if own.per_class == size], size) for size in sizes),
        *_apart(comparisons),
        *_speed(trunks, pixels),
    ]


def _comparisons(networks: dict[str, Networks], options: Options) -> Iterator[Comparison]:
    for photos in chosen_data_sets(options):
        tell(f"{photos.name}: embedding {len(photos.paths)} photos in both precisions")
        embedded = {name: network.embed(photos) for name, network in networks.items()}
        for per_class in options.sizes:
            if photos.has_more_than(per_class):
                for draw in range(options.draws):
                    yield _comparison(embedded, per_class, draw)


def _comparison(embedded: dict[str, EmbeddedPhotos], per_class: int, draw: int) -> Comparison:
    photos = embedded[F32].photos
    drawn, others = photos.draw(per_class, draw)
    truth = photos.labels[others]
    asked = {name: photos_of.features[others, 0] for name, photos_of in embedded.items()}
    heads = {name: quick_fit(photos_of, drawn).head for name, photos_of in embedded.items()}
    own = {name: heads[name].probabilities(asked[name]) for name in heads}
    moved = heads[INT8].probabilities(asked[F32])
    differences = np.abs(moved - own[INT8])
    return Comparison(
        data_set=photos.name,
        per_class=per_class,
        f32=float((own[F32].argmax(1) == truth).mean()),
        int8=float((own[INT8].argmax(1) == truth).mean()),
        moved=float((moved.argmax(1) == truth).mean()),
        furthest=float(differences.max()),
        mean=float(differences.mean()),
        same_tag=float((moved.argmax(1) == own[INT8].argmax(1)).mean()),
    )


def _accuracy(comparisons: list[Comparison], per_class: int) -> Figure:
    gains: dict[str, list[float]] = {}
    for comparison in comparisons:
        gains.setdefault(comparison.data_set, []).append(100 * (comparison.int8 - comparison.f32))
    error = ""
    if min(map(len, gains.values())) > 1:
        error = f" ± {np.sqrt(sum(np.var(own, ddof=1) / len(own) for own in gains.values())) / len(gains):.2f}"
    return Figure(
        f"accuracy in int8, mean of {len(gains)} data sets, {per_class} per class",
        f"{_mean(comparisons, lambda own: own.int8):.4f} "
        f"({np.mean([np.mean(own) for own in gains.values()]):+.2f}{error} points)",
        baseline=f"f32 {_mean(comparisons, lambda own: own.f32):.4f}",
    )


def _mean(comparisons: list[Comparison], value: Callable[[Comparison], float]) -> float:
    """Returns the mean over data sets of the mean over draws."""
    values: dict[str, list[float]] = {}
    for comparison in comparisons:
        values.setdefault(comparison.data_set, []).append(value(comparison))
    return float(np.mean([np.mean(own) for own in values.values()]))


def _apart(comparisons: list[Comparison]) -> list[Figure]:
    furthest = max(comparison.furthest for comparison in comparisons)
    return [
        Figure(
            "int8's heads on float32 features, as other formats export them",
            f"accuracy {_mean(comparisons, lambda own: own.moved):.4f}",
            baseline=f"on their own {_mean(comparisons, lambda own: own.int8):.4f}",
        ),
        Figure(
            "probabilities apart",
            f"{furthest:.3f} at most, {_mean(comparisons, lambda own: own.mean):.4f} in the mean",
            baseline=f"same likeliest tag {_mean(comparisons, lambda own: own.same_tag):.1%}",
        ),
    ]


def _speed(trunks: dict[str, Trunk], pixels: list[RgbPixels]) -> Iterator[Figure]:
    alone: dict[str, list[float]] = {name: [] for name in trunks}
    together: dict[str, list[float]] = {name: [] for name in trunks}
    images = (pixels * (TIMED_IMAGES // len(pixels) + 1))[:TIMED_IMAGES]
    for _ in range(ROUNDS):
        for name, trunk in trunks.items():
            alone[name].append(_seconds(trunk, images, threads=1))
            together[name].append(_seconds(trunk, images, threads=THREADS_PER_CORE * available_cores()))
    for what, seconds in (("one at a time", alone), ("on all cores", together)):
        rates = {name: TIMED_IMAGES / median(own) for name, own in seconds.items()}
        yield Figure(
            f"images a second in int8, {what}",
            f"{rates[INT8]:.0f}, {rates[INT8] / rates[F32]:.2f} of f32",
            baseline=f"f32 {rates[F32]:.0f}",
        )


def _seconds(trunk: Trunk, images: list[RgbPixels], threads: int) -> float:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(trunk.embed, images[: 2 * threads]))
        started = time.perf_counter()
        list(pool.map(trunk.embed, images))
        return time.perf_counter() - started
