"""Inner products of rows: what a fit by rows needs to know of them.

Kept apart from the fit, whose library takes a fifth of a second to load.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from customvision.common.processors import available_cores

# What is multiplied in one go: always the same, so that equal rows have equal products on however many processors.
BLOCK_ROWS = 256

Matrix = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
InnerProducts = npt.NDArray[np.float32]


def inner_products(rows: Singles, of_first: InnerProducts | None = None) -> InnerProducts:
    """Returns float32[n, n]: those of all pairs of ``rows`` float32[n, d], less the mean of the first of them.

    ``of_first`` float32[m, m] are those of the first m rows where they are known: they are the same, to the bit.
    """
    known = 0 if of_first is None else len(of_first)
    if of_first is not None and known == len(rows):
        return of_first
    # What rows have in common would drown in rounding what tells them apart.
    centred = rows - rows[:BLOCK_ROWS].mean(axis=0, dtype=np.float64).astype(np.float32)
    products = np.empty((len(rows), len(rows)), np.float32)

    def multiply(start: int) -> None:
        block = slice(start, min(start + BLOCK_ROWS, len(rows)))
        products[block, : block.stop] = centred[block] @ centred[: block.stop].T
        products[:start, block] = products[block, :start].T

    # The last block of those known has not its full width.
    done = known // BLOCK_ROWS * BLOCK_ROWS
    if of_first is not None:
        products[:done, :done] = of_first[:done, :done]
    with ThreadPoolExecutor(available_cores()) as pool:
        # The longest first, so that no processor waits long for the last.
        list(pool.map(multiply, reversed(range(done, len(rows), BLOCK_ROWS))))
    return products


def fewer_rows(rows: int, features: int) -> bool:
    """Returns whether there are fewer rows than features, counting the constant."""
    return rows <= features + 1
