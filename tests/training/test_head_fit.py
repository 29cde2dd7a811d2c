"""Fitting heads."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from customvision.training.computation import head_fit
from customvision.training.computation.calibration import Truth
from customvision.training.computation.head_fit import STRENGTHS, Examples, FittedHead, fit_head, refit_head
from customvision.training.computation.inner_products import Matrix
from customvision.training.computation.left_out import FOLDS, NO_FOLD

Features = npt.NDArray[np.float32]


def clouds(tag_of: Any, *, features: int = 40, noise: float = 1.0, views: int = 1) -> tuple[Features, Truth]:
    """Returns views float32[n, views, features] of images, each of the cloud of its tag, and uint8[n, tags]."""
    random = np.random.default_rng(0)
    tags = max(tag_of) + 1
    centres = random.normal(0, 1, (tags, features))
    images = centres[tag_of] + random.normal(0, noise, (len(tag_of), features))
    # The first view is the image itself, from which the others differ a little.
    shifts = random.normal(0, noise / 4, (len(tag_of), views, features))
    seen = images[:, None] + shifts * (np.arange(views)[:, None] > 0)
    return seen.astype(np.float32), np.eye(tags, dtype=np.uint8)[tag_of]


def fitted(features: Features, truth: Truth, groups: Any = None, *, multilabel: bool = False) -> FittedHead:
    """Returns the head for images that all differ, unless ``groups`` says otherwise."""
    apart = np.arange(len(truth)) if groups is None else np.asarray(groups)
    return fit_head(Examples(features, truth), apart, multilabel=multilabel)


def answers(head: FittedHead, features: Features) -> Matrix:
    """Returns what the head says of the first view of each image."""
    return head.head.probabilities(features[:, 0])


@pytest.mark.parametrize("views", [1, 2, 4])
@pytest.mark.parametrize("multilabel", [False, True])
def test_head_learns_what_can_be_learnt(multilabel: bool, views: int) -> None:
    """On images it did not see, a head tells well separated tags apart, whatever the views it learned from."""
    features, truth = clouds(np.arange(90) % 3, noise=0.5, views=views)
    head = fitted(features[:60], truth[:60], multilabel=multilabel)
    assert head.head.multilabel is multilabel
    assert (answers(head, features[60:]).argmax(axis=1) == truth[60:].argmax(axis=1)).all()


@pytest.mark.parametrize("multilabel", [False, True])
def test_head_is_the_fit_and_its_calibration(multilabel: bool) -> None:
    """What is served says what scores and calibration say, to float32's precision."""
    features, truth = clouds(np.arange(60) % 3, views=2)
    head = fitted(features, truth, multilabel=multilabel)
    told = head.calibration.probabilities(head.scores(features[:, 0]))
    assert answers(head, features) == pytest.approx(told, abs=1e-5)


def test_strength_follows_what_tells_tags_apart() -> None:
    """Where small differences tell tags apart little strength is chosen; where they are noise, much."""
    random = np.random.default_rng(0)
    spread = np.array([10.0] * 5 + [1.0] * 30)
    images = random.normal(0, spread, (300, 35)).astype(np.float32)
    small, large = images[:, 5:].sum(axis=1), images[:, :5].sum(axis=1) + random.normal(0, 20, 300)
    tags: list[Truth] = [np.eye(2, dtype=np.uint8)[(told > 0).astype(int)] for told in (small, large)]
    weak, strong = (fitted(images[:, None], truth).strength for truth in tags)
    assert (weak, strong) == (STRENGTHS[0], STRENGTHS[-1])


def test_rare_tag_is_not_drowned() -> None:
    """A tag with five images beside one of two hundred is found nearly as often."""
    tag_of = np.array([0] * 205 + [1] * 105)
    features, truth = clouds(tag_of, noise=1.5)
    seen = np.r_[0:200, 205:210]
    head = fitted(features[seen], truth[seen])
    right = answers(head, features).argmax(axis=1) == tag_of
    assert right[200:205].all()
    assert right[210:].mean() > 0.8


@pytest.mark.parametrize("multilabel", [False, True])
def test_constant_features_do_no_harm(multilabel: bool) -> None:
    """Pictures that all look the same give about even odds rather than an error."""
    features = np.ones((10, 2, 8), np.float32)
    truth: Truth = np.eye(2, dtype=np.uint8)[np.arange(10) % 2]
    assert answers(fitted(features, truth, multilabel=multilabel), features) == pytest.approx(0.5, abs=0.02)


def test_near_duplicates_are_left_out_together() -> None:
    """Images whose tag nothing tells but their copies are not held to be easy: probabilities stay low."""
    tag_of = np.repeat(np.arange(60) % 3, 4)
    random = np.random.default_rng(0)
    features = np.repeat(random.normal(0, 1, (60, 1, 300)), 4, axis=0).astype(np.float32)
    truth: Truth = np.eye(3, dtype=np.uint8)[tag_of]
    # The indices of first images, which may lie far from one another.
    together, apart = fitted(features, truth, np.repeat(np.arange(60) * 4, 4)), fitted(features, truth)
    others = random.normal(0, 1, (500, 1, 300)).astype(np.float32)
    assert answers(apart, others).max(axis=1).mean() > 0.45
    assert answers(together, others).max(axis=1).mean() < 0.4
    assert together.fold_of is not None
    assert (together.fold_of.reshape(60, 4) == together.fold_of[::4, None]).all()


def test_copies_beyond_the_share_that_is_asked_are_left_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many images only some are asked about; their copies among the others tell nothing either."""
    monkeypatch.setattr(head_fit, "MAX_COMPARED", 60)
    tag_of = np.repeat(np.arange(60) % 3, 4)
    random = np.random.default_rng(0)
    features = np.repeat(random.normal(0, 1, (60, 1, 300)), 4, axis=0).astype(np.float32)
    head = fitted(features, np.eye(3, dtype=np.uint8)[tag_of], np.tile(np.arange(60)[:, None], 4).ravel())
    others = random.normal(0, 1, (500, 1, 300)).astype(np.float32)
    assert answers(head, others).max(axis=1).mean() < 0.4


def test_a_tag_whose_images_are_all_alike_is_learned_all_the_same() -> None:
    """Where one tag's images are near-duplicates of one another, its images are known, and so are the others', which
    alone are in folds."""
    features, truth = clouds(np.arange(40) % 2, noise=1.0)
    groups = np.where(truth[:, 1] == 1, 1, np.arange(40))
    features[1::2] = features[1]
    head = fitted(features, truth, groups)
    assert (answers(head, features).argmax(axis=1) == truth.argmax(axis=1)).all()
    assert head.fold_of is not None
    assert (head.fold_of[1::2] == NO_FOLD).all()
    assert sorted(np.unique(head.fold_of[::2])) == list(range(FOLDS))


def test_tags_may_overlap() -> None:
    """In multilabel an image has each of its tags, whatever the others; a tag that no image carries is never said."""
    random = np.random.default_rng(0)
    features = random.normal(0, 1, (200, 1, 20)).astype(np.float32)
    truth: Truth = (features[:, 0, :3] > [0, 0, 9]).astype(np.uint8)
    head = fitted(features[:150], truth[:150], multilabel=True)
    said = answers(head, features[150:]) > 0.5
    assert (said[:, :2] == truth[150:, :2]).mean() > 0.85
    assert not said[:, 2].any()


def test_images_without_a_tag_teach_what_others_are_not() -> None:
    """In multilabel, images of a negative tag of their own are told from those of others, and carry none of these."""
    tag_of = np.arange(90) % 3
    features, truth = clouds(tag_of, noise=0.5)
    truth[:, 0] |= truth[:, 1]
    head = fitted(features[:60], truth[:60], multilabel=True)
    assert ((answers(head, features[60:]) > 0.5) == truth[60:]).mean() > 0.95


def test_many_tags_of_few_images() -> None:
    """Two hundred tags of five images each, the smallest that are worth while, are told apart."""
    tag_of = np.repeat(np.arange(200), 6)
    features, truth = clouds(tag_of, features=300, noise=1.0)
    seen = np.arange(1200) % 6 < 5
    head = fitted(features[seen], truth[seen])
    assert (answers(head, features[~seen]).argmax(axis=1) == tag_of[~seen]).mean() > 0.9


@pytest.mark.parametrize("images", [50, 200])
def test_equal_input_gives_equal_heads(images: int) -> None:
    """Training twice on the same features gives the same head, bit for bit; by rows and by features."""
    features, truth = clouds(np.arange(images) % 3, views=2)
    first, second = (fitted(features, truth) for _ in range(2))
    assert first.head.weights.tobytes() == second.head.weights.tobytes()
    assert first.head.bias.tobytes() == second.head.bias.tobytes()
    assert first.calibration.slopes.tobytes() == second.calibration.slopes.tobytes()


def test_fold_scores_are_of_images_not_seen() -> None:
    """Where every image has a fold, its scores are by a fit without that fold; too many images are not asked."""
    features, truth = clouds(np.arange(40) % 2, features=200, noise=0.5, views=2)
    noise = np.random.default_rng(1).normal(0, 1, features.shape).astype(np.float32)
    head, guessing = fitted(features, truth), fitted(noise, truth)
    for found, lowest, highest in ((head, 0.95, 1.0), (guessing, 0.0, 0.75)):
        assert found.fold_of is not None
        assert found.fold_scores is not None
        assert [list(np.bincount(found.fold_of[truth[:, tag] == 1])) for tag in range(2)] == [[4] * FOLDS] * 2
        assert lowest <= (found.fold_scores.argmax(axis=1) == truth.argmax(axis=1)).mean() <= highest
    assert fitted(*clouds(np.arange(60) % 2, features=20)).fold_scores is None


def test_a_refit_keeps_what_was_found() -> None:
    """The head for more images has the same strength and calibration, and has learned from all of them."""
    features, truth = clouds(np.arange(60) % 3, noise=2.0)
    measured = fitted(features[:40], truth[:40])
    served = refit_head(Examples(features, truth), measured)
    assert (served.strength, served.calibration) == (measured.strength, measured.calibration)
    assert (answers(served, features).argmax(axis=1) == truth.argmax(axis=1)).mean() >= 0.9
    assert not np.array_equal(served.weights, measured.weights)


@pytest.mark.parametrize("views", [1, 2])
def test_a_part_is_fitted_as_if_it_were_alone(views: int) -> None:
    """What is computed once of all images changes nothing for a part of them, not even where the others are far off."""
    features, truth = clouds(np.arange(90) % 3, noise=2.0, features=300, views=views)
    features[60:] += 5
    part, apart = np.arange(60), np.arange(60)
    of_whole = fit_head(Examples(features, truth).part(part), apart, multilabel=False)
    alone = fit_head(Examples(features[part], truth[part]), apart, multilabel=False)
    assert of_whole.strength == alone.strength
    assert of_whole.scores(features[:, 0]) == pytest.approx(alone.scores(features[:, 0]), abs=1e-4)
    assert of_whole.fold_scores == pytest.approx(alone.fold_scores, abs=1e-4)


def test_fits_tell_their_steps() -> None:
    """A fit tells each strength that was tried, and once more: that is what its progress is counted by."""
    told: list[None] = []
    features, truth = clouds(np.arange(30) % 2)
    fit_head(Examples(features, truth), np.arange(30), multilabel=False, step=lambda: told.append(None))
    assert len(told) == len(STRENGTHS) + 1
