"""The second baseline of quick training: the head that Teachable Machine trains, on the same pooled features.

A dense layer of 100 with relu, a dense layer with softmax and without bias, Adam at 0.001, 50 epochs of batches of 16.
Teachable Machine keeps a part of the photos back to draw a curve with; here all are learned from.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from customvision.vision.head import softmax

HIDDEN, EPOCHS, BATCH, RATE = 100, 50, 16, 1e-3
# Adam's usual memory of gradients and of their squares.
FIRST, SECOND, TINY = 0.9, 0.999, 1e-7

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]


def teachable_machine_head(features: Features, labels: Labels, seed: int) -> Callable[[Features], Weights]:
    """Returns what tells the probabilities float64[m, t] of features float32[m, d].

    ``features`` float32[n, d], ``labels`` int64[n]; ``seed`` draws first weights and the order of photos.
    """
    random = np.random.default_rng(seed)
    rows, truth = features.astype(np.float64), np.eye(int(labels.max()) + 1)[labels]
    weights = [_first_weights(random, rows.shape[1], HIDDEN), np.zeros(HIDDEN)]
    weights.append(_first_weights(random, HIDDEN, truth.shape[1]))
    adam = _Adam(weights)
    for _ in range(EPOCHS):
        order = random.permutation(len(rows))
        for start in range(0, len(rows), BATCH):
            batch = order[start : start + BATCH]
            adam.step(_gradients(weights, rows[batch], truth[batch]))
    return lambda asked: _probabilities(weights, asked.astype(np.float64))[1]


class _Adam:
    """Changes ``weights`` in place."""

    def __init__(self, weights: list[Weights]) -> None:
        self._weights = weights
        self._means = [np.zeros_like(array) for array in weights]
        self._squares = [np.zeros_like(array) for array in weights]
        self._steps = 0

    def step(self, gradients: list[Weights]) -> None:
        """Takes one step against ``gradients``."""
        self._steps += 1
        rate = RATE * np.sqrt(1 - SECOND**self._steps) / (1 - FIRST**self._steps)
        for array, mean, square, gradient in zip(self._weights, self._means, self._squares, gradients, strict=True):
            mean += (1 - FIRST) * (gradient - mean)
            square += (1 - SECOND) * (gradient**2 - square)
            array -= rate * mean / (np.sqrt(square) + TINY)


def _first_weights(random: np.random.Generator, inputs: int, outputs: int) -> Weights:
    return random.normal(0.0, np.sqrt(1 / inputs), (inputs, outputs))


def _probabilities(weights: list[Weights], rows: Weights) -> tuple[Weights, Weights]:
    first, bias, second = weights
    hidden = np.maximum(rows @ first + bias, 0.0)
    return hidden, softmax(hidden @ second)


def _gradients(weights: list[Weights], rows: Weights, truth: Weights) -> list[Weights]:
    hidden, probabilities = _probabilities(weights, rows)
    errors = (probabilities - truth) / len(rows)
    back = (errors @ weights[2].T) * (hidden > 0)
    return [rows.T @ back, back.sum(axis=0), hidden.T @ errors]
