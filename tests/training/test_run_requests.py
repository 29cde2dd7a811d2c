"""What a run is asked for: budgets, tags, and the iteration to begin with."""

import pytest

from customvision.training.runs.run_request import (
    BaseIterationNotAllowed,
    TrainingBudgetInvalid,
    TrainingType,
    checked_base_project,
    checked_budget,
    checked_tags,
)

HOUR = 3600.0
ADVANCED = TrainingType.ADVANCED


@pytest.mark.parametrize("budget", [60.0, 61.5, 600.0, 24 * HOUR])
def test_budgets_from_a_minute_to_a_day(budget: float) -> None:
    """Budgets within bounds are taken as they are."""
    assert checked_budget(ADVANCED, budget, time_limit_seconds=24 * HOUR) == budget


@pytest.mark.parametrize("budget", [0.0, 59.999, 24 * HOUR + 1, -5.0])
def test_budgets_out_of_bounds_name_the_bounds(budget: float) -> None:
    """A budget that is too short or too long is refused with what is allowed."""
    with pytest.raises(TrainingBudgetInvalid, match="takes 1 minute to 24 hours") as caught:
        checked_budget(ADVANCED, budget, time_limit_seconds=24 * HOUR)
    assert caught.value.field == "training_budget"
    assert "is 1 minute;" not in caught.value.message


def test_time_limit_bounds_the_budget() -> None:
    """Where runs may take less than a day, so may budgets, and the default gives way as well."""
    with pytest.raises(TrainingBudgetInvalid, match="takes 1 minute to 2 hours"):
        checked_budget(ADVANCED, 3 * HOUR, time_limit_seconds=2 * HOUR)
    assert checked_budget(ADVANCED, None, time_limit_seconds=2 * HOUR) == 600
    assert checked_budget(ADVANCED, None, time_limit_seconds=300) == 300


def test_a_time_limit_below_a_minute_is_the_budget() -> None:
    """Where runs may take less than the shortest budget, that time is all there is to ask for, and is told so."""
    assert (
        checked_budget(ADVANCED, None, time_limit_seconds=5) == checked_budget(ADVANCED, 5, time_limit_seconds=5) == 5
    )
    for budget in (4.0, 60.0):
        with pytest.raises(TrainingBudgetInvalid, match="; this service takes 5 seconds"):
            checked_budget(ADVANCED, budget, time_limit_seconds=5)


def test_quick_training_has_no_budget() -> None:
    """A quick training takes the time it takes."""
    assert checked_budget(TrainingType.QUICK, None, time_limit_seconds=HOUR) is None
    with pytest.raises(TrainingBudgetInvalid):
        checked_budget(TrainingType.QUICK, 600.0, time_limit_seconds=HOUR)


def test_tags_count_once() -> None:
    """A tag that is named twice is trained once, and the order stays."""
    assert checked_tags(["b", "a", "b"]) == ("b", "a")


def test_project_of_a_base() -> None:
    """The run's own project is as good as none; another one needs an iteration."""
    assert checked_base_project("own", "own", "base") == checked_base_project("own", "", "base") == ""
    assert checked_base_project("own", "other", "base") == "other"
    with pytest.raises(BaseIterationNotAllowed) as caught:
        checked_base_project("own", "other", "")
    assert caught.value.field == "base_project_id"
