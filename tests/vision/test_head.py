"""The linear layer and its probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from customvision.vision.head import Head, sigmoid, softmax

logits = arrays.arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e6, 1e6))


@given(logits)
def test_softmax_is_a_distribution_in_the_order_of_its_logits(values: np.ndarray) -> None:
    """However large the logits, the result sums to one and keeps their order."""
    result = softmax(values)
    assert result.sum() == pytest.approx(1)
    assert (result >= 0).all()
    assert result[values.argmax()] == result.max()


@given(logits)
def test_sigmoid_stays_between_zero_and_one(values: np.ndarray) -> None:
    """However large the logits, nothing overflows, and opposite logits are complementary."""
    result = sigmoid(values)
    assert ((result >= 0) & (result <= 1)).all()
    assert result + sigmoid(-values) == pytest.approx(1)


def test_a_batch_gives_what_each_image_gives() -> None:
    """Features of many images and of one are treated alike, in either kind."""
    random = np.random.default_rng(0)
    features = random.normal(size=(5, 4)).astype(np.float32)
    weights, bias = random.normal(size=(4, 3)).astype(np.float32), random.normal(size=3).astype(np.float32)
    for multilabel in (False, True):
        head = Head(weights, bias, multilabel)
        together = head.probabilities(features)
        assert together.shape == (5, 3)
        assert together.dtype == np.float64
        assert together == pytest.approx(np.stack([head.probabilities(one) for one in features]), abs=1e-6)


def test_kinds_differ() -> None:
    """Multiclass probabilities share one, multilabel ones do not."""
    features, weights, bias = np.ones(1, np.float32), np.full((1, 2), 3, np.float32), np.zeros(2, np.float32)
    assert Head(weights, bias, multilabel=False).probabilities(features) == pytest.approx([0.5, 0.5])
    assert Head(weights, bias, multilabel=True).probabilities(features) == pytest.approx([0.9525741] * 2)
