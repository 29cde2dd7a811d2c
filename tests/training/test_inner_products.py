"""Inner products of rows."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customvision.training.computation import inner_products as module
from customvision.training.computation.inner_products import inner_products


@given(rows=st.integers(1, 60), block=st.integers(1, 20), cores=st.integers(1, 3), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_products_are_those_of_all_pairs(rows: int, block: int, cores: int, seed: int) -> None:
    """They are those of rows less their mean, symmetric, and the same to the bit on any number of processors."""
    every = np.random.default_rng(seed).normal(3, 1, (rows, 17)).astype(np.float32)
    with patch.object(module, "BLOCK_ROWS", block):
        found = inner_products(every)
        with patch.object(module, "available_cores", lambda: cores):
            assert inner_products(every).tobytes() == found.tobytes()
    less_mean = every.astype(np.float64) - every.mean(axis=0, dtype=np.float64)
    assert found == pytest.approx(less_mean @ less_mean.T, abs=1e-4)
