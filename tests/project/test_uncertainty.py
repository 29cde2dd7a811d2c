"""How unsure an answer is: 0 where it is certain, 1 where it says nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customvision.project.domain.project import ClassificationType
from customvision.project.domain.tag_probability import uncertainty_of

MULTICLASS, MULTILABEL = ClassificationType.MULTICLASS, ClassificationType.MULTILABEL
PROBABILITIES = st.lists(st.floats(0, 1), max_size=12)


@pytest.mark.parametrize(
    ("probabilities", "kind", "uncertainty"),
    [
        ([1.0, 0.0, 0.0], MULTICLASS, 0.0),
        ([0.25] * 4, MULTICLASS, 1.0),
        ([0.5, 0.5, 0.0, 0.0], MULTICLASS, 0.5),
        ([0.2, 0.2], MULTICLASS, 1.0),
        ([0.0, 0.0], MULTICLASS, 1.0),
        ([0.4], MULTICLASS, 0.0),
        ([1.0, 1.0, 0.0], MULTILABEL, 0.0),
        ([0.5, 0.5, 0.5], MULTILABEL, 1.0),
        ([0.5, 1.0], MULTILABEL, 0.5),
        ([0.25], MULTILABEL, 0.811278),
        ([], MULTICLASS, 0.0),
        ([], MULTILABEL, 0.0),
    ],
)
def test_uncertainty_is_the_share_of_the_highest_entropy(
    probabilities: list[float], kind: ClassificationType, uncertainty: float
) -> None:
    """One distribution over the tags of a multiclass answer, one for each tag of a multilabel answer."""
    assert uncertainty_of(probabilities, kind) == pytest.approx(uncertainty, abs=1e-6)


@given(PROBABILITIES, st.sampled_from(ClassificationType))
def test_uncertainty_is_always_a_share(probabilities: list[float], kind: ClassificationType) -> None:
    """Whatever a model answers, the number is finite and from 0 to 1, so that lists can be in its order."""
    uncertainty = uncertainty_of(probabilities, kind)
    assert isinstance(uncertainty, float)
    assert 0 <= uncertainty <= 1
    # Databases keep no negative zero.
    assert math.copysign(1, uncertainty) == 1


@given(st.lists(st.floats(1e-6, 1), min_size=2, max_size=12))
def test_the_order_of_tags_does_not_matter(probabilities: list[float]) -> None:
    """The same probabilities are as uncertain in any order."""
    for kind in ClassificationType:
        reverse = uncertainty_of(probabilities[::-1], kind)
        assert math.isclose(uncertainty_of(probabilities, kind), reverse, abs_tol=1e-9)
