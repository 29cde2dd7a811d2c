"""Whether fine-tuning does better than the quick model, told from images that neither learned from.

The held-out fifth of a few dozen images per tag is too few for that, and it chose the epochs of the trial. So
fine-tuning is repeated without other images, as long as there is time, for as many epochs as the trial found: what
those networks say of them is held against what quick heads say that have not seen them either.
"""

import numpy as np
import numpy.typing as npt

from customvision.training.computation.calibration import log_loss
from customvision.training.computation.fine_tuning.cross_calibration import cross_calibrated
from customvision.training.computation.fine_tuning.fine_tuner import ENOUGH_HELD_OUT, Repeats, Trial
from customvision.training.computation.head_fit import Examples, refit_head
from customvision.training.computation.inner_products import Matrix
from customvision.training.computation.left_out import NO_FOLD
from customvision.training.computation.material import Material
from customvision.training.computation.quick_model import QuickModel
from customvision.vision.head import Head

# Repeats on fewer tell less than the held-out images do.
FEWEST_REPEATED = 20

Rows = npt.NDArray[np.int64]


def folds_to_repeat_on(material: Material, quick: QuickModel) -> list[Rows]:
    """Returns the folds of the images that are learned from, int64[n] each; none where there is no need, or no way."""
    learned = np.flatnonzero(material.learned)
    fold_of = quick.measured.fold_of
    if fold_of is None or len(material.learned) - len(learned) >= ENOUGH_HELD_OUT:
        return []
    return [learned[fold_of == fold] for fold in np.unique(fold_of[fold_of != NO_FOLD])]


def head_without(fold: Rows, material: Material, quick: QuickModel) -> Head:
    """Returns the quick head that has seen neither the held-out images nor those of ``fold``."""
    kept = np.setdiff1d(np.flatnonzero(material.learned), fold)
    examples = Examples.of(material.features[kept], material.data_set.truth()[kept], material.nuisances)
    return refit_head(examples, quick.measured).head


def winning_mix(trial: Trial, repeats: Repeats, material: Material, quick: QuickModel) -> float | None:
    """Returns how far towards the fine-tuned network does best by log-loss, or None where the quick model does."""
    if len(repeats.rows) >= FEWEST_REPEATED:
        rows, logits = repeats.rows, dict(repeats.logits)
        known = _fold_scores(rows, material, quick)
    else:
        rows, logits = np.flatnonzero(~material.learned), {mix: mixed.logits for mix, mixed in trial.mixes.items()}
        known = quick.measured.scores(material.features[rows, 0])
    truth, multilabel = material.data_set.truth()[rows], material.data_set.multilabel

    def loss(scores: Matrix) -> float:
        # A few dozen images tell models apart by how sure they are sooner than by how often they are right. Both sides
        # are calibrated in the same way: the quick head's own calibration has seen some of the rows.
        return log_loss(cross_calibrated(scores, truth, multilabel=multilabel), truth, multilabel=multilabel)

    losses = {mix: loss(own) for mix, own in logits.items()}
    best = min(losses, key=lambda mix: losses[mix])
    return best if losses[best] < loss(known) else None


def _fold_scores(rows: Rows, material: Material, quick: QuickModel) -> Matrix:
    """Returns float64[n, t]: the scores that quick heads give ``rows``, each of a head that has not seen its fold."""
    scores = quick.measured.fold_scores
    assert scores is not None  # noqa: S101 - there are folds
    place = np.cumsum(material.learned) - 1
    own: Matrix = scores[place[rows]]
    return own
