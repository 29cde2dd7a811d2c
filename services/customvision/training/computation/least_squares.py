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
from scipy.linalg.lapack import dpotri

CHUNK_ROWS = 4096
# So few rows of real width stay in the processor's cache.
CACHED_ROWS = 256

Matrix = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
InnerProducts = npt.NDArray[np.float32]


def inner_products(rows: npt.NDArray[np.float32]) -> InnerProducts:
    """Returns float32[n, n]: those of all pairs of ``rows`` float32[n, d], less the rows' mean."""
    # What rows have in common would drown in rounding what tells them apart.
    centred = (rows - rows.mean(axis=0, dtype=np.float64)).astype(np.float32)
    products: InnerProducts = centred @ centred.T
    return products


@dataclass(frozen=True)
class Problem:
    """``rows`` float32[n, d], ``targets`` float64[n, t], ``row_weights`` float64[n], 1 on average.

    Rows are centred and scaled to a mean square length of 1; a constant is added that is regularised like the rest.
    ``inner`` float32[n, n] are the rows' inner products less any one point, where they are known already.
    """

    rows: npt.NDArray[np.float32]
    targets: Matrix
    row_weights: Matrix
    inner: InnerProducts | None = None

    @property
    def by_rows(self) -> bool:
        """True where there are fewer rows than features, and a fit by rows costs less than one by features."""
        return fewer_rows(*self.rows.shape)

    @cached_property
    def mean(self) -> Matrix:
        """float64[d]: what rows are centred by."""
        mean: Matrix = self.rows.mean(axis=0, dtype=np.float64)
        return mean

    @cached_property
    def scale(self) -> float:
        """What centred rows are divided by."""
        if self.by_rows:
            square = float(np.trace(self._centred_products))
        else:
            square = sum(float(((self.rows[part] - self.mean) ** 2).sum()) for part in self._parts())
        return float(np.sqrt(max(square, 0.0) / len(self.rows))) or 1.0

    @cached_property
    def products(self) -> Matrix:
        """float64: all inner products of the weighted rows or, not ``by_rows``, of their columns."""
        if self.by_rows:
            products: Matrix = (self._centred_products / self.scale**2 + 1) * self.roots * self.roots.T
            return products
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
        shares = coefficients * self.roots
        total = sum(self.rows[part].astype(np.float64).T @ shares[part] for part in self._parts(CACHED_ROWS))
        whole = shares.sum(axis=0)
        return np.vstack([(total - np.outer(self.mean, whole)) / self.scale, whole])

    @cached_property
    def roots(self) -> Matrix:
        """float64[n, 1]: the square roots of the rows' weights."""
        roots: Matrix = np.sqrt(self.row_weights)[:, None]
        return roots

    @cached_property
    def _centred_products(self) -> Matrix:
        inner = inner_products(self.rows) if self.inner is None else self.inner
        products = inner.astype(np.float64)
        means = products.mean(axis=0)
        products -= means
        products -= means[:, None] - means.mean()
        return products

    def _parts(self, size: int | None = None) -> Iterator[Rows]:
        size = size or CHUNK_ROWS
        for start in range(0, len(self.rows), size):
            yield np.arange(start, min(start + size, len(self.rows)))


def fewer_rows(rows: int, features: int) -> bool:
    """Returns whether there are fewer rows than features, counting the constant."""
    return rows <= features + 1


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
            return self._left_out_by_rows(blocks)
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
        """float64[n, n], of which the lower triangle holds."""
        inverse, _ = dpotri(self._factor[0], lower=True)
        return inverse  # type: ignore[no-any-return]

    def _left_out_by_rows(self, blocks: Sequence[Rows]) -> Matrix:
        every, sizes = np.concatenate(blocks), np.array([len(block) for block in blocks])
        starts = np.cumsum(sizes) - sizes
        errors = np.empty((len(every), self._targets.shape[1]))
        # Blocks of one size are solved together: there are many small ones.
        for size in np.unique(sizes):
            places = starts[sizes == size, None] + np.arange(size)
            rows = every[places]
            across, down = rows[:, None, :], rows[:, :, None]
            spread = self._inverse[np.maximum(across, down), np.minimum(across, down)]
            errors[places] = np.linalg.solve(spread, self._dual[rows])
        scores: Matrix = (self._targets[every] - errors) / self._problem.roots[every]
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
