"""The quick model: a head on the backbone's features, measured on images that it has not seen."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from customvision.training.children.child import Reports
from customvision.training.computation.calibration import uncalibrated
from customvision.training.computation.head_fit import STRENGTHS, Examples, FittedHead, fit_head, refit_head
from customvision.training.computation.inner_products import Rows
from customvision.training.computation.material import Material
from customvision.training.computation.phases import PhaseReport
from customvision.training.evaluation.cross_validation import CrossValidation, cross_validation_of
from customvision.training.evaluation.measures import Probabilities
from customvision.training.evaluation.performance import Evaluation
from customvision.training.runs.run import Phase


@dataclass(frozen=True)
class QuickModel:
    """``served`` learned from all images, ``measured`` from those that are not held out, with the same settings."""

    served: FittedHead
    measured: FittedHead
    cross_validation: CrossValidation | None

    def of_those(self, kept: Rows, material: Material) -> "QuickModel":
        """Returns the model with what it tells of folds for the images ``kept``, int64[m], of ``material`` alone.

        It has learned from the others all the same.
        """
        places = np.flatnonzero(np.isin(np.flatnonzero(material.learned), kept))
        return replace(self, measured=self.measured.in_folds(places))

    def evaluation(self, material: Material) -> Evaluation:
        """Returns what the measured head says about the held-out images."""
        held_out = ~material.learned
        scores = self.measured.scores(material.features[held_out, 0])
        multilabel = material.data_set.multilabel
        return evaluation_of(
            material,
            probabilities=self.measured.calibration.probabilities(scores).astype(np.float32),
            before_calibration=uncalibrated(scores, multilabel=multilabel).astype(np.float32),
            cross_validation=self.cross_validation,
        )


def fit_quick_model(material: Material, reports: Reports) -> QuickModel:
    """Returns the quick model of ``material``, and tells how far the fit has come."""
    data_set, learned = material.data_set, material.learned
    truth = data_set.truth()
    phase = PhaseReport(reports, Phase.FITTING_HEAD, len(STRENGTHS) + 2)
    examples = Examples.of(material.features, truth, material.nuisances)
    measured = fit_head(
        examples.part(np.flatnonzero(learned)),
        material.groups[learned],
        multilabel=data_set.multilabel,
        step=_counting(phase),
    )
    served = refit_head(examples, measured)
    phase.finish()
    folds = None
    if measured.fold_of is not None and measured.fold_scores is not None:
        probabilities = measured.calibration.probabilities(measured.fold_scores).astype(np.float32)
        folds = cross_validation_of(measured.fold_of, truth[learned], probabilities, data_set.multilabel)
    return QuickModel(served, measured, folds)


def evaluation_of(
    material: Material,
    *,
    probabilities: Probabilities,
    before_calibration: Probabilities | None,
    cross_validation: CrossValidation | None,
) -> Evaluation:
    """Returns the evaluation of a model that answers the held-out images so, float32[held out, t]."""
    data_set = material.data_set
    truth = data_set.truth()
    return Evaluation(
        image_ids=tuple(image.image_id for image in data_set.images if image.held_out),
        tag_ids=tuple(label.tag_id for label in data_set.labels),
        tag_names=tuple(label.tag_name for label in data_set.labels),
        image_counts=tuple(int(count) for count in truth.sum(axis=0)),
        multilabel=data_set.multilabel,
        truth=truth[~material.learned],
        probabilities=probabilities,
        uncalibrated=before_calibration,
        cross_validation=cross_validation,
    )


def _counting(phase: PhaseReport) -> Callable[[], None]:
    done = iter(range(1, len(STRENGTHS) + 2))
    return lambda: phase.reached(next(done))
