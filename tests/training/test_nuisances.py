"""What differs between views of one photo: measured, kept in files, and relied on less."""

from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from customvision.training.backbones.nuisances import (
    BLOCK_ROWS,
    LEAST_VARIANCE,
    MAX_DIRECTIONS,
    NO_NUISANCES,
    Nuisances,
    measured,
)
from customvision.training.backbones.weights_file import read_nuisances, write_nuisances
from customvision.training.computation.head_fit import Examples, fit_head, refit_head

Features = npt.NDArray[np.float32]

SIZES = (6, MAX_DIRECTIONS + 40)
# Along one direction of each level views differ by so much more than along all others.
MUCH = 5.0


def views(photos: int, random: np.random.Generator) -> Features:
    """Returns float32[photos, 4, d] of two levels: photos differ along all directions, views along the first most."""
    levels = []
    for size in SIZES:
        of_photos = random.normal(0, 1, (photos, 1, size))
        of_views = random.normal(0, 0.5, (photos, 4, size))
        of_views[..., 0] *= MUCH
        levels.append(of_photos + of_views)
    return np.concatenate(levels, axis=2).astype(np.float32)


@pytest.fixture(scope="module")
def nuisances() -> Nuisances:
    """Those of many views."""
    return measured(views(3000, np.random.default_rng(0)), SIZES)


def test_views_differ_alike_in_all_directions_afterwards(nuisances: Nuisances) -> None:
    """On photos that were not measured, the direction along which views differed most stands out no more."""
    seen = views(1000, np.random.default_rng(1))
    lessened = nuisances.lessened(seen.reshape(-1, sum(SIZES))).reshape(seen.shape)
    start = 0
    for size in SIZES:
        around = (lessened - lessened.mean(axis=1, keepdims=True))[..., start : start + size].reshape(-1, size)
        spread = around.std(axis=0)
        assert spread[0] == pytest.approx(spread[1:].mean(), rel=0.1)
        assert spread[1:].std() < 0.1 * spread.mean()
        start += size


def test_levels_keep_half_of_what_sets_them_apart(nuisances: Nuisances) -> None:
    """How much photos differ in a level, as a standard deviation, becomes its square root."""
    seen = views(1000, np.random.default_rng(1)).reshape(-1, sum(SIZES))
    for scaled in (nuisances, measured(100 * views(3000, np.random.default_rng(0)), SIZES)):
        factor = 1 if scaled is nuisances else 100
        lessened = scaled.lessened(factor * seen)
        for columns in (slice(0, SIZES[0]), slice(SIZES[0], None)):
            level, wanted = lessened[:, columns], np.sqrt(np.sqrt((factor * seen)[:, columns].var(axis=0).sum()))
            assert np.sqrt(level.var(axis=0).sum()) == pytest.approx(wanted, rel=0.05)


def test_weights_on_features_say_the_same(nuisances: Nuisances) -> None:
    """Weights that were learned on lessened features are turned into weights for features as they come."""
    random = np.random.default_rng(2)
    seen = views(20, random).reshape(-1, sum(SIZES))
    weights = random.normal(0, 1, (sum(SIZES), 3))
    wanted = nuisances.lessened(seen) @ weights
    assert seen @ nuisances.on_features(weights) == pytest.approx(wanted, abs=1e-5)


def test_without_nuisances_nothing_changes() -> None:
    """Features and weights of a backbone that nothing was measured of stay as they are."""
    seen, weights = np.ones((3, 4), np.float32), np.ones((4, 2))
    assert NO_NUISANCES.lessened(seen) is seen
    assert NO_NUISANCES.on_features(weights) is weights


def test_other_features_are_refused(nuisances: Nuisances) -> None:
    """Features of another network are not lessened by chance: neither fewer nor more than were measured."""
    for count in (sum(SIZES) - 1, sum(SIZES) + 1):
        with pytest.raises(ValueError, match=f"do not fit {count}"):
            nuisances.lessened(np.ones((2, count), np.float32))


def test_rows_keep_their_places(nuisances: Nuisances) -> None:
    """What is computed in blocks is what each row alone would give."""
    seen = views(BLOCK_ROWS // 4 + 5, np.random.default_rng(3)).reshape(-1, sum(SIZES))
    assert len(seen) > BLOCK_ROWS
    alone = np.concatenate([nuisances.lessened(row[None]) for row in seen])
    assert nuisances.lessened(seen) == pytest.approx(alone, abs=1e-5)


def test_direction_in_which_nothing_differs_outweighs_none() -> None:
    """A number that is the same in all views, as of a channel that is dead, is not blown up; all others stay finite."""
    seen = views(500, np.random.default_rng(0))
    seen[..., 3] = 0.25
    seen[..., 4] = seen[:, :1, 4]
    flat = measured(seen, SIZES)
    assert all(np.isfinite(array).all() for array in flat.to_arrays().values())
    level = flat.levels[0]
    assert level.factors.max() <= np.sqrt(1 / LEAST_VARIANCE)
    lessened = flat.lessened(seen.reshape(-1, sum(SIZES)))
    assert np.ptp(lessened[:, 3]) == pytest.approx(0, abs=1e-3)


def test_views_that_do_not_differ_lessen_nothing() -> None:
    """Where all views of all photos are equal there is nothing to tell, and nothing that is no number."""
    same = measured(np.ones((5, 4, sum(SIZES)), np.float32), SIZES)
    assert all(np.isfinite(array).all() for array in same.to_arrays().values())


def test_file_keeps_them(nuisances: Nuisances, tmp_path: Path) -> None:
    """What was saved does the same to features when it is read, but for directions' rounding; no file holds none."""
    file = tmp_path / "nuisances.npz"
    assert Nuisances.load(file) == NO_NUISANCES
    file.write_bytes(nuisances.to_bytes())
    seen = views(20, np.random.default_rng(4)).reshape(-1, sum(SIZES))
    assert Nuisances.load(file).lessened(seen) == pytest.approx(nuisances.lessened(seen), abs=2e-3)


def test_weights_file_keeps_them(nuisances: Nuisances, tmp_path: Path) -> None:
    """A weights file tells the nuisances that were written into it, and none where there are none."""
    file = tmp_path / "some.weights.h5"
    with h5py.File(file, "w") as content:
        content["layers/kernel"] = np.zeros(3)
    assert read_nuisances(file) == NO_NUISANCES
    write_nuisances(file, nuisances)
    arrays = read_nuisances(file).to_arrays()
    assert arrays.keys() == nuisances.to_arrays().keys()
    assert all(np.array_equal(array, arrays[name]) for name, array in nuisances.to_arrays().items())


def test_head_that_knows_them_needs_fewer_photos(nuisances: Nuisances) -> None:
    """Learned from two photos a tag, a head whose views differ mostly by what means nothing is right more often where
    that was measured on other photos; and it is a head for features as they come."""
    random = np.random.default_rng(5)
    tags = np.arange(400) % 4
    seen = (random.normal(0, 0.5, (4, sum(SIZES)))[tags] + random.normal(0, 0.5, (400, sum(SIZES)))).astype(np.float32)
    seen[:, [0, SIZES[0]]] = random.normal(0, 10, (400, 2))
    truth = np.eye(4, dtype=np.uint8)[tags]

    def right(known: Nuisances) -> float:
        examples = Examples.of(seen[:8, None], truth[:8], known)
        fitted = fit_head(examples, np.arange(8), multilabel=False)
        again = refit_head(examples, fitted)
        assert again.head.weights == pytest.approx(fitted.head.weights, abs=1e-6)
        answers = fitted.head.probabilities(seen[8:]).argmax(axis=1)
        return float(np.mean(answers == tags[8:]))

    assert right(nuisances) > right(NO_NUISANCES) + 0.1


def test_part_of_examples_knows_them(nuisances: Nuisances) -> None:
    """A head fitted on a part of the examples is the one of those images alone."""
    seen = views(30, np.random.default_rng(6))[:, :1]
    truth = np.eye(3, dtype=np.uint8)[np.arange(30) % 3]
    part = np.arange(0, 30, 2)
    of_whole = fit_head(Examples.of(seen, truth, nuisances).part(part), np.arange(15), multilabel=False)
    alone = fit_head(Examples.of(seen[part], truth[part], nuisances), np.arange(15), multilabel=False)
    assert of_whole.head.weights == pytest.approx(alone.head.weights, abs=1e-4)
