"""How long training takes: a few photos, cold and with known features, and three more photos for a thousand."""

import random
from pathlib import Path

from figures import Figure, tell
from photos import DATA_SETS, backbone_settings, class_photos, data_sets
from training_options import Options

from customvision.client import Client
from suite import EMBED_WHEN_ASKED, running_suite
from training import TimedTraining, create_project, keras_guide, train, upload

PER_CLASS = 30
TEST_PER_CLASS = 50
MANY, MORE = 1_000, 3


def measure(folder: Path, options: Options) -> list[Figure]:
    """Trains on 30 photos per class twice, then by the Keras guide's recipe, then on 1,000 photos and three more."""
    del options
    photos = class_photos(folder, per_class=PER_CLASS + TEST_PER_CLASS)
    learned = {name: paths[:PER_CLASS] for name, paths in photos.items()}
    unseen = {name: paths[PER_CLASS:] for name, paths in photos.items()}
    with running_suite(folder / "speed", backbone_settings() | EMBED_WHEN_ASKED) as suite, suite.client() as client:
        # The backbone is made ready once, after the first start: that is not timed.
        suite.wait_until_calm()
        tell(f"training {PER_CLASS} photos of each of {len(photos)} classes")
        project_id, tags = create_project(client, list(photos))
        upload(client, project_id, tags, learned)
        probe = next(iter(unseen.values()))[-1]
        cold = train(client, project_id, probe)
        cached = train(client, project_id, probe, force=True)
        again = _again(client)
    tell("the Keras guide's recipe")
    guide = keras_guide(folder, learned, unseen)
    return [*_figures(sum(map(len, learned.values())), cold, cached, guide), *again]


def _figures(count: int, cold: TimedTraining, cached: TimedTraining, guide: dict[str, float]) -> list[Figure]:
    def against(seconds: float) -> str:
        if not guide:
            return "needs the ImageNet weights in ../shared"
        return f"Keras guide's recipe: {guide['seconds']:.1f} s, {guide['seconds'] / seconds:.0f}×"

    return [
        Figure(
            f"{count} photos, no feature known, call to answer",
            f"{cold.seconds:.2f} s",
            baseline=against(cold.seconds),
            goal="≤ 3 s, ≥ 20× faster",
        ),
        Figure("of that, the phases", _phases(cold)),
        Figure(f"{count} photos, features known", f"{cached.seconds:.2f} s", baseline=against(cached.seconds)),
        Figure("of that, the phases", _phases(cached)),
    ]


def _again(client: Client) -> list[Figure]:
    if not DATA_SETS.is_dir():
        return [Figure(f"training again after {MORE} more photos for {MANY:,}", "needs the data sets in ../shared")]
    photos = _many_photos()
    project_id, tags = create_project(client, sorted({name for name, _ in photos}))
    tell(f"training {MANY:,} photos, then {MORE} more")
    upload(client, project_id, tags, _by_name(photos[:MANY]))
    first = train(client, project_id, photos[-1][1])
    upload(client, project_id, tags, _by_name(photos[MANY:]))
    second = train(client, project_id, photos[-1][1])
    # As where early embedding had the time to look at the new photos.
    third = train(client, project_id, photos[-1][1], force=True)
    return [
        Figure(
            f"{MORE} more photos for {MANY:,}, work of all phases",
            f"{second.work:.2f} s",
            baseline=f"all {MANY:,}: {first.work:.2f} s",
            goal="≤ 0.5 s",
        ),
        Figure("of that, the phases", _phases(second)),
        Figure(
            f"{MORE} more photos for {MANY:,}, call to answer",
            f"{second.seconds:.2f} s",
            baseline=f"all {MANY:,}: {first.seconds:.2f} s",
        ),
        Figure(
            f"{MORE} more photos for {MANY:,}, looked at when they came, work of all phases",
            f"{third.work:.2f} s",
            baseline=f"call to answer: {third.seconds:.2f} s",
            goal="≤ 0.5 s",
        ),
        Figure("of that, the phases", _phases(third)),
    ]


def _many_photos() -> list[tuple[str, Path]]:
    """Returns photos of many classes, in an order of chance that is always the same, MORE of them beyond MANY."""
    every = [
        (f"{photos.name} {photos.class_names[label]}", path)
        for photos in data_sets()
        # So that enough of every class are among those drawn.
        if photos.has_more_than(PER_CLASS)
        for path, label in zip(photos.paths, photos.labels, strict=True)
    ]
    random.Random(0).shuffle(every)  # noqa: S311 - nothing to keep secret
    return every[: MANY + MORE]


def _by_name(photos: list[tuple[str, Path]]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for name, path in photos:
        found.setdefault(name, []).append(path)
    return found


def _phases(training: TimedTraining) -> str:
    return ", ".join(f"{name} {seconds:.2f} s" for name, seconds in training.phases.items())
