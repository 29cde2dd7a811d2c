"""What the student learns from in one go: crops at its own size, and what the teacher saw in them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from customvision.training.distillation.crops import Crops, make_crops, shrunk
from customvision.training.distillation.recipe import Recipe
from customvision.training.distillation.teacher import Targets, Teacher


@dataclass(frozen=True)
class Lesson:
    """``crops`` uint8[n, size, size, 3]; ``targets`` float16[n, height, width, channels] for each level."""

    crops: Crops
    targets: tuple[Targets, ...]

    def batch(self, rows: npt.NDArray[np.int64], *, mirrored: bool) -> tuple[Crops, tuple[Targets, ...]]:
        """Returns crops and targets of these rows, all of them mirrored or none: a mirror image costs no look."""
        across = -1 if mirrored else 1
        return self.crops[rows][:, :, ::across], tuple(level[rows][:, :, ::across] for level in self.targets)


def lessons(recipe: Recipe, photos: Sequence[Path], teacher: Teacher, first: int) -> Iterator[Lesson]:
    """Yields the lessons of the recipe from number ``first`` on; each is prepared while the one before is learned.

    Raises PhotosUnreadable.
    """
    numbers = iter(range(first, recipe.lessons))
    pool = ThreadPoolExecutor(1)
    try:
        coming = [pool.submit(_prepare, recipe, photos, teacher, number) for number in islice(numbers, 1)]
        while coming:
            lesson = coming.pop().result()
            coming = [pool.submit(_prepare, recipe, photos, teacher, number) for number in islice(numbers, 1)]
            yield lesson
    finally:
        # Nobody waits for a lesson that will not be learned.
        pool.shutdown(wait=False, cancel_futures=True)


def _prepare(recipe: Recipe, photos: Sequence[Path], teacher: Teacher, number: int) -> Lesson:
    crops = make_crops(photos, recipe.crops, (recipe.seed, number))
    size = recipe.size_of(number)
    return Lesson(shrunk(crops, size), teacher.look(crops, size))
