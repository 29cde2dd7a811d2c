"""Inner products of rows, on from what is known of them."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customvision.training.computation import inner_products as module
from customvision.training.computation.inner_products import inner_products


@given(
    rows=st.integers(1, 60),
    known=st.integers(0, 60),
    block=st.integers(1, 20),
    cores=st.integers(1, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_products_go_on_from_those_that_are_known(rows: int, known: int, block: int, cores: int, seed: int) -> None:
    """They are those of all pairs, less one point, and the same to the bit on any number of processors, whether those
    of the first rows were known or not."""
    every = np.random.default_rng(seed).normal(3, 1, (rows, 17)).astype(np.float32)
    with patch.object(module, "BLOCK_ROWS", block):
        plain = inner_products(every)
        with patch.object(module, "available_cores", lambda: cores):
            went_on = inner_products(every, inner_products(every[: min(known, rows)]) if known else None)
    assert went_on.tobytes() == plain.tobytes()
    less_mean = every.astype(np.float64) - every.mean(axis=0, dtype=np.float64)
    means = plain.mean(axis=0, dtype=np.float64)
    assert plain - means - means[:, None] + means.mean() == pytest.approx(less_mean @ less_mean.T, abs=1e-4)
