"""Regularised least-squares classification: one factorisation gives a fit, and what it would be without some images.

Method: regularised least-squares classification (Rifkin, Yeo and Poggio, 2003); scores of what is left out follow from
the inverse that the fit needs anyway (Rifkin and Lippert, "Notes on Regularized Least-Squares", 2007), here in blocks.

Fits by rows are computed in float32, as rows come: the regularisation keeps scores right to some 1e-5.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from customvision.training.computation.cholesky import cho_factor, cho_solve, spotri
from customvision.training.computation.inner_products import (
    InnerProducts,
    Matrix,
    Rows,
    Singles,
    fewer_rows,
    inner_products,
)

CHUNK_ROWS = 4096
# So few rows of real width stay in the processor's cache once they are float64.
CACHED_ROWS = 256
# Rows that differ by less than this share of their length differ by rounding only.
LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Problem:
    """``rows`` float32[n, d], ``targets`` float64[n, t], ``row_weights`` float64[n], 1 on average.

    Rows are centred and scaled to a mean square length of 1; a constant is added that is regularised like the rest.
    ``inner`` float32[n, n] are the rows' inner products less any one point, where they are known already.
    """

    rows: Singles
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
            length = float(self._inner.trace(dtype=np.float64))
            square = length - 2 * float(self._shifts.sum())
            square = square if square > LEAST_SPREAD * length else 0.0
        else:
            square = sum(float(((self.rows[part] - self.mean) ** 2).sum()) for part in self._parts())
        return float(np.sqrt(square / len(self.rows))) or 1.0

    @cached_property
    def products(self) -> Singles | Matrix:
        """All inner products of the weighted rows, float32, or, not ``by_rows``, of their columns, float64."""
        if self.by_rows:
            shifts = (self._shifts / self.scale**2 - 0.5).astype(np.float32)
            products: Singles = self._inner * np.float32(self.scale**-2)
            products -= shifts[:, None]
            products -= shifts
            roots = self.roots.astype(np.float32)
            products *= roots
            products *= roots.T
            return products
        size = self.rows.shape[1] + 1
        columns = np.zeros((size, size))
        for part in self._parts():
            rows = self.weighted(part)
            columns += rows.T @ rows
        return columns

    def weighted(self, part: Rows | slice) -> Matrix:
        """Returns float64[rows in part, d + 1]: those rows as the fit sees them."""
        centred = (self.rows[part] - self.mean) / self.scale
        return np.hstack([centred, np.ones((len(centred), 1))]) * self.roots[part]

    def combined(self, coefficients: Singles | Matrix) -> Matrix:
        """Returns float64[d + 1, t]: the sum over weighted rows, each times its ``coefficients`` [n, t].

        It is taken in the precision of the coefficients.
        """
        shares: Any = coefficients * self.roots.astype(coefficients.dtype)
        total = np.zeros((self.rows.shape[1], shares.shape[1]), shares.dtype)
        for part in self._parts(CACHED_ROWS if shares.dtype == np.float64 else CHUNK_ROWS):
            total += self.rows[part].astype(shares.dtype, copy=False).T @ shares[part]
        whole = shares.sum(axis=0, dtype=np.float64)
        combined: Matrix = np.vstack([(total - np.outer(self.mean, whole)) / self.scale, whole])
        return combined

    @cached_property
    def roots(self) -> Matrix:
        """float64[n, 1]: the square roots of the rows' weights."""
        roots: Matrix = np.sqrt(self.row_weights)[:, None]
        return roots

    @cached_property
    def _inner(self) -> InnerProducts:
        return inner_products(self.rows) if self.inner is None else self.inner

    @cached_property
    def _shifts(self) -> Matrix:
        """float64[n]: less those of both its rows, an inner product is that of rows less their mean."""
        means: Matrix = self._inner.mean(axis=0, dtype=np.float64)
        shifts: Matrix = means - means.mean() / 2
        return shifts

    def _parts(self, size: int | None = None) -> Iterator[slice]:
        size = size or CHUNK_ROWS
        for start in range(0, len(self.rows), size):
            yield slice(start, start + size)


class Fit:
    """The solution of a problem at one ``strength`` of regularisation."""

    def __init__(self, problem: Problem, strength: float) -> None:
        self._problem = problem
        self._targets = problem.targets * problem.roots
        regularised = problem.products.copy()
        regularised[np.diag_indices_from(regularised)] += strength
        # Transposed, and so the same: as LAPACK wants it, without another copy.
        self._factor = cho_factor(regularised.T, lower=True, overwrite_a=True, check_finite=False)

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
    def _dual(self) -> Singles:
        dual: Singles = cho_solve(self._factor, self._targets.astype(np.float32), check_finite=False)
        return dual

    @cached_property
    def _inverse(self) -> Singles:
        """float32[n, n], of which the lower triangle holds."""
        inverse, _ = spotri(self._factor[0], lower=True)
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
