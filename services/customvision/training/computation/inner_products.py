"""Inner products of rows: all that a fit by rows needs to know of them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from customvision.common.processors import available_cores

# What is multiplied in one go, by one processor.
BLOCK_ROWS = 256

Matrix = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
InnerProducts = npt.NDArray[np.float32]


def inner_products(rows: Singles) -> InnerProducts:
    """Returns float32[n, n]: those of all pairs of ``rows`` float32[n, d], less the rows' mean.

    Equal rows have equal products, to the bit, on however many processors.
    """
    # What rows have in common would drown in rounding what tells them apart.
    centred = rows - rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    products = np.empty((len(rows), len(rows)), np.float32)

    def multiply(start: int) -> None:
        block = slice(start, min(start + BLOCK_ROWS, len(rows)))
        products[block, : block.stop] = centred[block] @ centred[: block.stop].T
        products[:start, block] = products[block, :start].T

    with ThreadPoolExecutor(available_cores()) as pool:
        # The longest first, so that no processor waits long for the last.
        list(pool.map(multiply, reversed(range(0, len(rows), BLOCK_ROWS))))
    return products


def fewer_rows(rows: int, features: int) -> bool:
    """Returns whether there are fewer rows than features, counting the constant."""
    return rows <= features + 1
