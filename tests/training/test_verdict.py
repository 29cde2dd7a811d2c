"""Whether fine-tuning wins: from images that were left out, of repeats where there are enough, else held out."""

from dataclasses import replace

import numpy as np
import pytest

from customvision.training.children.child import Reports
from customvision.training.computation.data_set import DataSet, DataSetImage
from customvision.training.computation.fine_tuning.fine_tuner import Mixed, Repeats, Trial
from customvision.training.computation.fine_tuning.verdict import folds_to_repeat_on, head_without, winning_mix
from customvision.training.computation.material import Material
from customvision.training.computation.quick_model import QuickModel, fit_quick_model
from customvision.vision.artifacts import Label

IMAGES, TAGS = 60, 3
# Surely right, surely wrong, and no idea.
RIGHT, WRONG, NONE = 4.0, -4.0, 0.0


class Silent(Reports):
    """Nobody listens."""

    def __init__(self) -> None:
        """Needs no file."""

    def send(self, kind: str, **fields: object) -> None:
        """Says nothing."""


def material_of(noise: float = 3.0) -> Material:
    """Returns images of three tags that quick heads tell apart for the most part; every fifth is held out."""
    generator = np.random.default_rng(0)
    labels = np.arange(IMAGES) % TAGS
    images = tuple(
        DataSetImage(str(row), f"{row:064x}", (int(labels[row]),), held_out=row % 5 == 0) for row in range(IMAGES)
    )
    data_set = DataSet(tuple(Label(str(tag), str(tag)) for tag in range(TAGS)), images, multilabel=False)
    features = generator.normal(0, noise, (IMAGES, 1, 80)) + generator.normal(0, 1, (TAGS, 80))[labels][:, None]
    return Material(data_set, features.astype(np.float32), np.arange(IMAGES), [])


@pytest.fixture(scope="module")
def material() -> Material:
    """The images."""
    return material_of()


@pytest.fixture(scope="module")
def quick(material: Material) -> QuickModel:
    """Their quick model."""
    return fit_quick_model(material, Silent())


def logits_of(material: Material, rows: np.ndarray, sure: float) -> np.ndarray:
    """Returns float64[n, t] that are ``sure`` of the right tag of ``rows``."""
    logits: np.ndarray = material.data_set.truth()[rows] * sure
    return logits


def trial_of(material: Material, sure: float) -> Trial:
    """Returns a trial whose networks are ``sure`` of the held-out images."""
    held_out = np.flatnonzero(~material.learned)
    return Trial(3, {mix: Mixed(logits_of(material, held_out, sure), []) for mix in (0.5, 1.0)}, 1.0)


def repeats_of(material: Material, rows: np.ndarray, half: float, whole: float) -> Repeats:
    """Returns repeats whose networks are so sure of ``rows``, half-way and all the way."""
    return Repeats(rows, {0.5: logits_of(material, rows, half), 1.0: logits_of(material, rows, whole)})


def test_repeats_decide_where_there_are_enough(material: Material, quick: QuickModel) -> None:
    """What repeats say of the images they left out counts, whatever the held-out images say, and chooses the mix."""
    learned = np.flatnonzero(material.learned)
    flattered = trial_of(material, RIGHT)
    assert winning_mix(flattered, repeats_of(material, learned, NONE, WRONG), material, quick) is None
    unlucky = trial_of(material, WRONG)
    assert winning_mix(unlucky, repeats_of(material, learned, RIGHT, NONE), material, quick) == 0.5
    assert winning_mix(unlucky, repeats_of(material, learned, NONE, RIGHT), material, quick) == 1.0


def test_held_out_images_decide_without_repeats(material: Material, quick: QuickModel) -> None:
    """Where there was no time for repeats, or they left too few out, the held-out images decide."""
    for rows in (np.empty(0, np.int64), np.flatnonzero(material.learned)[:5]):
        repeats = repeats_of(material, rows, WRONG, WRONG)
        assert winning_mix(trial_of(material, RIGHT), repeats, material, quick) is not None
        assert winning_mix(trial_of(material, NONE), repeats, material, quick) is None


def test_folds_are_those_of_the_quick_model(material: Material, quick: QuickModel) -> None:
    """Every image that is learned from is left out by one repeat, and its quick head has not seen it."""
    folds = folds_to_repeat_on(material, quick)
    assert sorted(np.concatenate(folds)) == list(np.flatnonzero(material.learned))
    truth = material.data_set.truth()
    for fold in folds:
        head = head_without(fold, material, quick)
        changed = replace(material, features=material.features.copy())
        changed.features[fold] += 100
        assert np.array_equal(head_without(fold, changed, quick).weights, head.weights)
        told = head.probabilities(material.features[fold, 0]).argmax(axis=1) == truth[fold].argmax(axis=1)
        assert told.mean() > 1 / TAGS


def test_photos_that_went_meanwhile_are_in_no_fold(material: Material, quick: QuickModel) -> None:
    """Where photos have gone since the quick model was fitted, the others are repeated on as if nothing had gone: each
    in its fold, held against what was said of it without that fold."""
    kept = np.setdiff1d(np.arange(IMAGES), [1, 5, 33])
    fewer = Material(
        material.data_set.without({"1", "5", "33"}), material.features[kept], material.groups[kept], warnings=[]
    )
    left = quick.of_those(kept, material)
    whole, folds = folds_to_repeat_on(material, quick), folds_to_repeat_on(fewer, left)
    assert [sorted(kept[fold]) for fold in folds] == [sorted(set(fold) - {1, 5, 33}) for fold in whole]
    rows = np.concatenate(folds)
    assert winning_mix(trial_of(fewer, WRONG), repeats_of(fewer, rows, RIGHT, NONE), fewer, left) == 0.5
    assert winning_mix(trial_of(fewer, RIGHT), repeats_of(fewer, rows, NONE, WRONG), fewer, left) is None


def test_images_of_no_fold_are_not_repeated_on(material: Material) -> None:
    """What makes up most of a tag is left out by no repeat."""
    alike = np.flatnonzero(material.data_set.truth()[:, 0])
    groups = np.arange(IMAGES)
    groups[alike] = alike[0]
    similar = replace(material, groups=groups)
    told = np.concatenate(folds_to_repeat_on(similar, fit_quick_model(similar, Silent())))
    assert sorted(told) == sorted(set(np.flatnonzero(material.learned)) - set(alike))
