"""Regularised least-squares classification: one factorisation gives a fit, and what it would be without some images.

Method: regularised least-squares classification (Rifkin, Yeo and Poggio, 2003); scores of what is left out follow from
the inverse that the fit needs anyway (Rifkin and Lippert, "Notes on Regularized Least-Squares", 2007), here in blocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

CHUNK_ROWS = 4096

Matrix = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """``rows`` float32[n, d], ``targets`` float64[n, t], ``row_weights`` float64[n], 1 on average.

    Rows are centred and scaled to a mean square length of 1; a constant is added that is regularised like the rest.
    """

    rows: npt.NDArray[np.float32]
    targets: Matrix
    row_weights: Matrix

    @property
    def by_rows(self) -> bool:
        """True where there are fewer rows than features, and a fit by rows costs less than one by features."""
        rows, features = self.rows.shape
        return bool(rows <= features + 1)

    @cached_property
    def mean(self) -> Matrix:
        """float64[d]: what rows are centred by."""
        mean: Matrix = self.rows.mean(axis=0, dtype=np.float64)
        return mean

    @cached_property
    def scale(self) -> float:
        """What centred rows are divided by."""
        square = sum(float(((chunk - self.mean) ** 2).sum()) for chunk in self._chunks())
        return float(np.sqrt(square / len(self.rows))) or 1.0

    @cached_property
    def products(self) -> Matrix:
        """float64: all inner products of the weighted rows or, not ``by_rows``, of their columns."""
        if self.by_rows:
            rows = self.weighted(np.arange(len(self.rows)))
            return rows @ rows.T
        size = self.rows.shape[1] + 1
        products = np.zeros((size, size))
        for part in self._parts():
            rows = self.weighted(part)
            products += rows.T @ rows
        return products

    def weighted(self, part: Rows) -> Matrix:
        """Returns float64[len(part), d + 1]: those rows as the fit sees them."""
        centred = (self.rows[part] - self.mean) / self.scale
        return np.hstack([centred, np.ones((len(part), 1))]) * self.roots[part]

    def combined(self, coefficients: Matrix) -> Matrix:
        """Returns float64[d + 1, t]: the sum over weighted rows, each times its ``coefficients`` float64[n, t]."""
        total = np.zeros((self.rows.shape[1] + 1, coefficients.shape[1]))
        for part in self._parts():
            total += self.weighted(part).T @ coefficients[part]
        return total

    @cached_property
    def roots(self) -> Matrix:
        """float64[n, 1]: the square roots of the rows' weights."""
        roots: Matrix = np.sqrt(self.row_weights)[:, None]
        return roots

    def _parts(self) -> Iterator[Rows]:
        for start in range(0, len(self.rows), CHUNK_ROWS):
            yield np.arange(start, min(start + CHUNK_ROWS, len(self.rows)))

    def _chunks(self) -> Iterator[npt.NDArray[np.float32]]:
        for part in self._parts():
            yield self.rows[part[0] : part[-1] + 1]


class Fit:
    """The solution of a problem at one ``strength`` of regularisation."""

    def __init__(self, problem: Problem, strength: float) -> None:
        self._problem = problem
        self._targets = problem.targets * problem.roots
        regularised = problem.products + strength * np.eye(len(problem.products))
        self._factor = cho_factor(regularised, lower=True, overwrite_a=True, check_finite=False)

    def on_features(self) -> tuple[Matrix, Matrix]:
        """Returns weights float64[d, t] and bias float64[t] that act on features."""
        problem = self._problem
        solution = self._solution
        weights = solution[:-1] / problem.scale
        return weights, solution[-1] - problem.mean @ weights

    def left_out(self, blocks: Sequence[Rows]) -> Matrix:
        """Returns the scores of each block's rows by a fit that the block has no part in.

        float64[rows of all blocks, t], block after block; the problem's mean and scale stay those of all rows.
        """
        if self._problem.by_rows:
            return np.concatenate([self._left_out_by_rows(block) for block in blocks])
        return np.concatenate([self._left_out_by_features(some) for some in _chunks_of(blocks)])

    @cached_property
    def _solution(self) -> Matrix:
        if self._problem.by_rows:
            return self._problem.combined(self._dual)
        solution: Matrix = cho_solve(self._factor, self._problem.combined(self._targets), check_finite=False)
        return solution

    @cached_property
    def _dual(self) -> Matrix:
        dual: Matrix = cho_solve(self._factor, self._targets, check_finite=False)
        return dual

    @cached_property
    def _inverse(self) -> Matrix:
        inverse: Matrix = cho_solve(self._factor, np.eye(len(self._targets)), check_finite=False)
        return inverse

    def _left_out_by_rows(self, block: Rows) -> Matrix:
        errors = np.linalg.solve(self._inverse[np.ix_(block, block)], self._dual[block])
        scores: Matrix = (self._targets[block] - errors) / self._problem.roots[block]
        return scores

    def _left_out_by_features(self, blocks: Sequence[Rows]) -> Matrix:
        every = np.concatenate(blocks)
        rows = self._problem.weighted(every)
        halves = cho_solve(self._factor, rows.T, check_finite=False)
        residuals = self._targets[every] - rows @ self._solution
        errors, start = [], 0
        for block in blocks:
            own = slice(start, start + len(block))
            spread = np.eye(len(block)) - rows[own] @ halves[:, own]
            errors.append(np.linalg.solve(spread, residuals[own]))
            start += len(block)
        scores: Matrix = (self._targets[every] - np.concatenate(errors)) / self._problem.roots[every]
        return scores


def _chunks_of(blocks: Sequence[Rows]) -> Iterator[list[Rows]]:
    chunk: list[Rows] = []
    rows = 0
    for block in blocks:
        if chunk and rows + len(block) > CHUNK_ROWS:
            yield chunk
            chunk, rows = [], 0
        chunk.append(block)
        rows += len(block)
    yield chunk
