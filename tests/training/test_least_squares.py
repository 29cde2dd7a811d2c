"""Least-squares heads, held against fits that are really done anew."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customvision.training.computation import least_squares
from customvision.training.computation.inner_products import Matrix
from customvision.training.computation.least_squares import Fit, Problem

# Of scores between 0 and 1: fits by rows are float32, as heads are.
SINGLE_PRECISION = 1e-4


def problem_of(images: int, features: int, *, tags: int = 3, weighted: bool = True, seed: int = 0) -> Problem:
    """Returns a problem of random rows, targets and row weights."""
    random = np.random.default_rng(seed)
    weights = random.uniform(0.2, 3.0, images) if weighted else np.ones(images)
    rows = (random.normal(2, 3, (images, features))).astype(np.float32)
    return Problem(rows, np.eye(tags)[random.integers(0, tags, images)], weights / weights.mean())


def solved(problem: Problem, strength: float, kept: Any) -> Matrix:
    """Returns the scores of all rows by a fit on those that are ``kept``, written down naively."""
    rows = np.hstack([(problem.rows - problem.mean) / problem.scale, np.ones((len(problem.rows), 1))])
    weighted = rows[kept] * problem.row_weights[kept, None]
    regularised = weighted.T @ rows[kept] + strength * np.eye(rows.shape[1])
    scores: Matrix = rows @ np.linalg.solve(regularised, weighted.T @ problem.targets[kept])
    return scores


@given(
    images=st.integers(6, 40),
    features=st.integers(1, 40),
    strength=st.sampled_from([0.3, 1.0, 10.0]),
    cuts=st.sets(st.integers(1, 39), max_size=8),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_left_out_scores_are_those_of_fits_without_them(
    images: int, features: int, strength: float, cuts: set[int], seed: int
) -> None:
    """What is left out, in blocks of any size, is scored as a fit without it does; by rows and by features."""
    problem = problem_of(images, features, seed=seed)
    order = np.random.default_rng(seed).permutation(images)
    blocks = np.split(order, sorted(cut for cut in cuts if cut < images))
    found = Fit(problem, strength).left_out(blocks)
    wanted = [solved(problem, strength, np.setdiff1d(order, block))[block] for block in blocks]
    assert found == pytest.approx(np.concatenate(wanted), abs=SINGLE_PRECISION)


@pytest.mark.parametrize("features", [5, 80])
def test_fit_is_the_regularised_optimum(features: int) -> None:
    """Weights and bias act on features as they come, and score as the plain solution does; by features and by rows."""
    problem = problem_of(30, features)
    assert problem.by_rows is (features == 80)
    weights, bias = Fit(problem, 1.0).on_features()
    assert problem.rows @ weights + bias == pytest.approx(solved(problem, 1.0, np.arange(30)), abs=SINGLE_PRECISION)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems of more rows than are looked at together are solved alike, left-out blocks too."""
    blocks = [np.arange(start, start + 3) for start in range(0, 60, 3)]
    whole = Fit(problem_of(60, 7), 1.0)
    scores, (weights, bias) = whole.left_out(blocks), whole.on_features()
    monkeypatch.setattr(least_squares, "CHUNK_ROWS", 8)
    parts = Fit(problem_of(60, 7), 1.0)
    assert parts.left_out(blocks) == pytest.approx(scores)
    assert parts.on_features()[0] == pytest.approx(weights)
    assert parts.on_features()[1] == pytest.approx(bias)


@pytest.mark.parametrize("images", [4, 40])
def test_rows_that_are_all_alike_score_alike(images: int) -> None:
    """Where rows tell nothing, each scores the weighted share of each tag, shrunk a little; nothing divides by zero."""
    targets = np.eye(2)[np.arange(images) % 2]
    problem = Problem(np.full((images, 8), 0.1, np.float32), targets, np.ones(images))
    fit = Fit(problem, 0.3)
    weights, bias = fit.on_features()
    assert problem.rows @ weights + bias == pytest.approx(images / 2 / (images + 0.3))
    assert np.isfinite(fit.left_out([np.arange(images)])).all()
