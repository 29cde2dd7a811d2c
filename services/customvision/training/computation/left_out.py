"""Which images are left out together: groups that look alike, and folds."""

import numpy as np
import numpy.typing as npt

from customvision.training.computation.calibration import Truth

FOLDS = 5
# The fold of an image that is in none.
NO_FOLD = -1
# A group that makes up more of a tag is not left out as a whole: too little of the tag would be left.
LARGEST_GROUP_SHARE = 0.5
# Nor is a larger one, such as all that a camera saw of one place: its scores would cost more than they tell.
LARGEST_GROUP = 50

Groups = npt.NDArray[np.int64]
Images = npt.NDArray[np.int64]
Folds = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


def left_out_together(truth: Truth, groups: Groups) -> Groups:
    """Returns for each image, int64[n], the first of those that are left out with it, which may be itself.

    ``truth`` uint8[n, t]; ``groups`` int64[n] are equal for images that look alike. Groups that are too large fall
    apart into single images.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    too_large = (np.bincount(group) > LARGEST_GROUP)[group] | most_of_a_tag(truth, groups)
    together: Groups = np.where(too_large, np.arange(len(groups)), first[group])
    return together


def most_of_a_tag(truth: Truth, groups: Groups) -> Marks:
    """Returns for each image, bool[n], whether those that look like it make up more than half of a tag."""
    tags, first_tag = truth.shape[1], truth.argmax(axis=1)
    group = np.unique(groups, return_inverse=True)[1]
    parts, sizes = np.unique(group * tags + first_tag, return_counts=True)
    of_tag = np.bincount(first_tag, minlength=tags)[parts % tags]
    too_large = parts[sizes > np.maximum(1, LARGEST_GROUP_SHARE * of_tag)] // tags
    marks: Marks = np.isin(group, too_large)
    return marks


def even_share(truth: Truth, limit: int, together: Groups | None = None) -> Images:
    """Returns the images to ask, ascending: all, or about ``limit`` of them with every tag kept.

    ``together`` is what left_out_together says: all of those are asked, or none. Without it each stands for itself.
    """
    count = len(truth)
    if count <= limit:
        return np.arange(count)
    if together is None:
        together = np.arange(count)
    chosen = []
    for own in _firsts_by_tag(truth, together):
        kept = min(len(own), max(FOLDS, round(len(own) * limit / count)))
        chosen.append(own[np.linspace(0, len(own) - 1, kept).astype(np.int64)])
    return np.flatnonzero(np.isin(together, np.concatenate(chosen)))


def honest_folds(truth: Truth, groups: Groups) -> Folds:
    """Returns the fold of each image, int64[n], as folds_of: what looks alike is in one, however much that is.

    NO_FOLD for images of a group that makes up most of a tag: were all of it left out, too little of the tag would be
    learned, and were a part of it, the rest would have given that away.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    folds: Folds = np.where(most_of_a_tag(truth, groups), NO_FOLD, folds_of(truth, first[group].astype(np.int64)))
    return folds


def folds_of(truth: Truth, together: Groups) -> Folds:
    """Returns the fold of each image, int64[n] from 0 to FOLDS - 1: tags spread evenly, what is ``together`` in one."""
    folds = np.zeros(len(truth), dtype=np.int64)
    for number, own in enumerate(_firsts_by_tag(truth, together)):
        # Offset by tag: tags with few images do not all leave the same folds without one.
        folds[own] = (np.arange(len(own)) + number) % FOLDS
    return folds[together]


def _firsts_by_tag(truth: Truth, together: Groups) -> list[Images]:
    firsts = np.unique(together)
    first_tag = truth[firsts].argmax(axis=1)
    return [firsts[first_tag == tag] for tag in np.unique(first_tag)]
