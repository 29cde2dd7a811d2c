"""What a quantised trunk costs in accuracy and gains in speed, beside float32, on the same draws of every data set."""

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
from embedded_photos import EmbeddedPhotos, Networks, nuisances_below, product_trunk
from figures import Figure, tell
from outcomes import quick_fit
from photos import DATA_SETS, own_weights
from quantised_trunk import FULL, SAFE, quantised_trunk
from training_options import Options

from customvision.common.processors import available_cores
from customvision.training.backbones.network import bare_network_from_file, with_pixels_in
from customvision.training.computation.embedding import THREADS_PER_CORE, Embedder
from customvision.vision.decoding import RgbPixels, decode_for_backbone
from customvision.vision.trunk import Trunk

F32 = "f32"
INT8 = {"int8": FULL, "int8 with weights of 7 bits": SAFE}
ROUNDS, TIMED_IMAGES = 5, 200


@dataclass(frozen=True)
class Comparison:
    """Two heads of one draw: the accuracy of each on its own trunk, and of the quantised one's on float32 features.

    ``furthest`` is the largest difference of probabilities between the quantised one's head on either, 0 to 1.
    """

    kind: str
    data_set: str
    per_class: int
    f32: float
    quantised: float
    moved: float
    furthest: float


def measure(folder: Path, options: Options) -> list[Figure]:
    """Fits quick models on the features of all trunks and times the trunks in turn."""
    weights = own_weights()
    if not DATA_SETS.is_dir() or weights is None:
        return [Figure("f32 and int8", NEEDED)]
    if find_spec("nncf") is None:
        return [Figure("f32 and int8", "needs NNCF: pip install nncf")]
    trunks = {F32: product_trunk(weights, folder)}
    trunks |= {kind: quantised_trunk(weights, folder, bits) for kind, bits in INT8.items()}
    bare = bare_trunk(with_pixels_in(bare_network_from_file(weights)), "bare", folder, threads=available_cores())
    nuisances = nuisances_below(folder)
    networks = {kind: Networks(Embedder(trunk), nuisances, bare) for kind, trunk in trunks.items()}
    comparisons = list(_comparisons(networks, options))
    paths = [path for photos in chosen_data_sets(options) for path in photos.paths[:20]]
    pixels = [decode_for_backbone(path.read_bytes(), bare.input_size) for path in paths]
    accuracy = [figure for kind in INT8 for figure in _figures([own for own in comparisons if own.kind == kind])]
    return [*accuracy, *_speed(trunks, pixels)]


def _comparisons(networks: dict[str, Networks], options: Options) -> Iterator[Comparison]:
    for photos in chosen_data_sets(options):
        tell(f"{photos.name}: embedding {len(photos.paths)} photos in every precision")
        embedded = {kind: network.embed(photos) for kind, network in networks.items()}
        for per_class in options.sizes:
            if photos.has_more_than(per_class):
                for draw in range(options.draws):
                    yield from _comparisons_of_draw(embedded, per_class, draw)


def _comparisons_of_draw(embedded: dict[str, EmbeddedPhotos], per_class: int, draw: int) -> Iterator[Comparison]:
    photos = embedded[F32].photos
    drawn, others = photos.draw(per_class, draw)
    truth = photos.labels[others]
    asked = {kind: own.features[others, 0] for kind, own in embedded.items()}
    heads = {kind: quick_fit(own, drawn).head for kind, own in embedded.items()}
    answers = {kind: head.probabilities(asked[kind]) for kind, head in heads.items()}
    right = {kind: float((own.argmax(1) == truth).mean()) for kind, own in answers.items()}
    for kind in INT8:
        moved = heads[kind].probabilities(asked[F32])
        yield Comparison(
            kind=kind,
            data_set=photos.name,
            per_class=per_class,
            f32=right[F32],
            quantised=right[kind],
            moved=float((moved.argmax(1) == truth).mean()),
            furthest=float(np.abs(moved - answers[kind]).max()),
        )


def _figures(comparisons: list[Comparison]) -> Iterator[Figure]:
    kind = comparisons[0].kind
    for per_class in sorted({comparison.per_class for comparison in comparisons}):
        own = [comparison for comparison in comparisons if comparison.per_class == per_class]
        points = 100 * (_mean(own, lambda each: each.quantised) - _mean(own, lambda each: each.f32))
        yield Figure(
            f"accuracy in {kind}, mean of {len({each.data_set for each in own})} data sets, {per_class} per class",
            f"{_mean(own, lambda each: each.quantised):.4f} ({points:+.2f})",
            baseline=f"f32 {_mean(own, lambda each: each.f32):.4f}",
            goal="≥ f32 - 0.5 points",
        )
    yield Figure(
        f"heads trained in {kind} on float32 features, as other formats would export them",
        f"{_mean(comparisons, lambda each: each.moved):.4f}",
        baseline=f"on their own {_mean(comparisons, lambda each: each.quantised):.4f}",
    )
    furthest = max(comparison.furthest for comparison in comparisons)
    yield Figure("probabilities apart then, at most", f"{furthest:.3f}", goal="≤ 0.001, as exports in float32")


def _mean(comparisons: list[Comparison], value: Callable[[Comparison], float]) -> float:
    """Returns the mean over data sets of the mean over draws."""
    values: dict[str, list[float]] = {}
    for comparison in comparisons:
        values.setdefault(comparison.data_set, []).append(value(comparison))
    return float(np.mean([np.mean(own) for own in values.values()]))


def _speed(trunks: dict[str, Trunk], pixels: list[RgbPixels]) -> Iterator[Figure]:
    images = (pixels * (TIMED_IMAGES // len(pixels) + 1))[:TIMED_IMAGES]
    for what, threads in (("one at a time", 1), ("on all cores", THREADS_PER_CORE * available_cores())):
        seconds: dict[str, list[float]] = {kind: [] for kind in trunks}
        for _ in range(ROUNDS):
            for kind, trunk in trunks.items():
                seconds[kind].append(_seconds(trunk, images, threads))
        rates = {kind: TIMED_IMAGES / median(own) for kind, own in seconds.items()}
        for kind in INT8:
            yield Figure(
                f"images a second in {kind}, {what}",
                f"{rates[kind]:.0f}, {rates[kind] / rates[F32]:.2f} of f32",
                baseline=f"f32 {rates[F32]:.0f}",
            )


def _seconds(trunk: Trunk, images: list[RgbPixels], threads: int) -> float:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(trunk.embed, images[: 2 * threads]))
        started = time.perf_counter()
        list(pool.map(trunk.embed, images))
        return time.perf_counter() - started
