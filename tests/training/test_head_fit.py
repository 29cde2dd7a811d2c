"""Fitting heads."""

import time
from typing import Any

import numpy as np
import pytest

from customvision.training.child import Reports
from customvision.training.computation import head_fit, phases
from customvision.training.computation.head_fit import STRENGTHS, Truth, choose_strength, fit_head
from customvision.training.computation.logistic_regression import Problem, fit, log_loss, probabilities_at
from customvision.training.computation.phases import PhaseReport
from customvision.training.computation.row_space import RowSpace
from customvision.training.run import Phase
from customvision.vision.trunk import Features


def clouds(images: int, tags: int, *, features: int = 40, noise: float = 1.0, seed: int = 0) -> tuple[Features, Truth]:
    """Returns features of ``tags`` clouds, and which cloud each row is of as uint8[images, tags]."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(0, 1, (tags, features))
    tag_of = np.arange(images) % tags
    rows = centres[tag_of] + generator.normal(0, noise, (images, features))
    truth: Truth = np.eye(tags, dtype=np.uint8)[tag_of]
    return rows.astype(np.float32), truth


def objective(problem: Problem, point: np.ndarray) -> float:
    """Returns what fit minimises, written down naively from its description."""
    probabilities = probabilities_at(problem.rows, point, multilabel=problem.multilabel)
    loss = log_loss(probabilities, problem.truth, multilabel=problem.multilabel)
    return loss + problem.strength / 2 * float((point[:-1] ** 2).sum() + 1e-3 * (point[-1] ** 2).sum())


@pytest.mark.parametrize("multilabel", [False, True])
def test_optimum_is_flat_and_lowest(multilabel: bool) -> None:
    """At the solution the slope, taken by differences, is zero in every direction, and every step away is worse."""
    rows, truth = clouds(30, 3, features=4)
    truth[::4, 2] = np.maximum(truth[::4, 2], int(multilabel))
    problem = Problem(rows.astype(np.float64), truth.astype(np.float64), multilabel, 1e-2)
    point = fit(problem, tolerance=1e-8)
    lowest = objective(problem, point)
    for index in np.ndindex(point.shape):
        step = np.zeros_like(point)
        step[index] = 1e-4
        above, below = objective(problem, point + step), objective(problem, point - step)
        assert abs(above - below) / 2e-4 < 1e-5
        assert min(above, below) > lowest


def test_row_space_loses_nothing() -> None:
    """Distances between rows are those between features, and weights found there act alike on features."""
    for images in (10, 90):
        features, _ = clouds(images, 2)
        space = RowSpace.of(features)
        assert space.rows.shape[1] <= min(features.shape)
        before = np.linalg.norm(features[0] - features[5]) / space.scale
        assert np.linalg.norm(space.rows[0] - space.rows[5]) == pytest.approx(before, rel=1e-5)
        weights, bias = np.random.default_rng(0).normal(size=(space.rows.shape[1], 2)), np.ones(2)
        on_features, moved_bias = space.to_features(weights, bias)
        assert features @ on_features + moved_bias == pytest.approx(space.rows @ weights + bias, abs=1e-5)


@pytest.mark.parametrize("multilabel", [False, True])
def test_head_learns_what_can_be_learnt(multilabel: bool) -> None:
    """On images it did not see, a head tells well separated tags apart."""
    features, truth = clouds(90, 3, noise=0.5)
    seen, unseen = slice(0, 60), slice(60, 90)
    strength = choose_strength(features[seen], truth[seen], multilabel=multilabel)
    head = fit_head(features[seen], truth[seen], multilabel=multilabel, strength=strength)
    assert head.multilabel is multilabel
    assert (head.probabilities(features[unseen]).argmax(axis=1) == truth[unseen].argmax(axis=1)).all()


def test_noise_wants_stronger_regularisation() -> None:
    """Cross-validation chooses more strength where features say less."""
    clear = choose_strength(*clouds(100, 2, noise=0.2), multilabel=False)
    blurred = choose_strength(*clouds(100, 2, noise=6.0), multilabel=False)
    assert blurred > clear
    assert STRENGTHS[0] >= blurred


def test_rare_tag_is_not_drowned() -> None:
    """A tag with a tenth of the images is found as often as the other."""
    common = clouds(180, 2, noise=1.5)
    features = np.vstack([common[0][::2], common[0][1::2][:9]])
    truth = np.vstack([common[1][::2], common[1][1::2][:9]])
    head = fit_head(features, truth, multilabel=False, strength=1e-2)
    others = common[0][1::2][9:]
    assert (head.probabilities(others).argmax(axis=1) == 1).mean() > 0.8


def test_constant_features_do_no_harm() -> None:
    """Pictures that all look the same give even odds rather than an error."""
    features = np.ones((10, 8), np.float32)
    truth: Truth = np.eye(2, dtype=np.uint8)[np.arange(10) % 2]
    strength = choose_strength(features, truth, multilabel=False)
    head = fit_head(features, truth, multilabel=False, strength=strength)
    assert head.probabilities(features) == pytest.approx(0.5, abs=1e-6)


def test_equal_input_gives_equal_heads() -> None:
    """Training twice on the same features gives the same weights, bit for bit."""
    features, truth = clouds(50, 3)
    first, second = (fit_head(features, truth, multilabel=False, strength=1e-3) for _ in range(2))
    assert (first.weights == second.weights).all()
    assert (first.bias == second.bias).all()


def test_long_fits_show_life() -> None:
    """Both parts of a fit call back at each of their steps, so that nobody takes a long one for dead."""
    features, truth = clouds(60, 3)
    choosing: list[int] = []
    strength = choose_strength(features, truth, multilabel=False, alive=lambda: choosing.append(1))
    assert len(choosing) >= 5 * len(STRENGTHS) / 2
    fitting: list[int] = []
    fit_head(features, truth, multilabel=False, strength=strength, alive=lambda: fitting.append(1))
    assert len(fitting) > 2


class Told(Reports):
    """Keeps what a child would tell its parent."""

    def __init__(self) -> None:
        self.reports: list[int] = []

    def send(self, kind: str, **fields: Any) -> None:  # noqa: ARG002 - all are of one kind
        """Keeps how far the phase has come."""
        self.reports.append(fields["done"])


def test_sign_of_life_repeats_the_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phase that goes on without finishing a unit says where it is, and seldom."""
    told = Told()
    phase = PhaseReport(told, Phase.FITTING_HEAD, 7)
    phase.alive()
    assert told.reports == [0]
    monkeypatch.setattr(phases, "SECONDS_BETWEEN_SIGNS_OF_LIFE", 0.0)
    phase.alive()
    assert told.reports == [0, 0]


def test_many_images_stay_affordable() -> None:
    """Two thousand images of real width are fitted within seconds."""
    features, truth = clouds(2000, 10, features=1280)
    begun = time.monotonic()
    fit_head(features, truth, multilabel=False, strength=1e-4)
    assert time.monotonic() - begun < 20


def test_a_large_data_set_is_compared_on_an_even_share_of_each_tag() -> None:
    """Of many images about as many as the limit are compared, in order, and a rare tag keeps enough for every fold."""
    tags = np.array([0] * 6000 + [1] * 2990 + [2] * 10)
    truth = np.eye(3, dtype=np.uint8)[tags]
    rows = head_fit._even_share(truth, 1500)
    assert list(rows) == sorted(set(rows))
    counts = truth[rows].sum(axis=0)
    assert 1450 <= len(rows) <= 1550
    assert counts[0] / counts[1] == pytest.approx(2, abs=0.1)
    assert counts[2] == head_fit.FOLDS
    assert list(head_fit._even_share(truth[:300], 1500)) == list(range(300))
