"""How many processors a process counts on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from customvision.common import processors
from customvision.common.processors import available_cores, share_processors


@pytest.fixture(autouse=True)
def alone_again() -> Iterator[None]:
    """Gives this process all processors back."""
    yield
    share_processors(1)


def test_processes_side_by_side_count_on_their_part() -> None:
    """All shares together are no more than what one process alone has, and each is at least one."""
    alone = available_cores()
    for sharers in (1, 2, 3, 1000):
        share_processors(sharers)
        assert available_cores() == max(1, alone // sharers)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, 8),
        ({"pod/box": "max 100000"}, 8),
        ({"pod/box": "200000 100000"}, 2),
        ({"pod/box": "150000 100000"}, 2),
        ({"pod/box": "10000 100000"}, 1),
        ({"pod": "300000 100000", "pod/box": "max 100000"}, 3),
        ({"other": "100000 100000"}, 8),
        ({"pod/box": "damaged"}, 8),
    ],
)
def test_a_limit_of_time_counts_like_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, str], expected: int
) -> None:
    """The tightest limit of the control groups that a process is in counts, rounded up; others do not."""
    for group, limit in limits.items():
        (tmp_path / group).mkdir(parents=True, exist_ok=True)
        (tmp_path / group / "cpu.max").write_text(f"{limit}\n")
    membership = tmp_path / "membership"
    membership.write_text("1:cpu:/elsewhere\n0::/pod/box\n")
    monkeypatch.setattr(processors, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(processors, "MEMBERSHIP", membership)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert available_cores() == expected
    share_processors(4)
    assert available_cores() == max(1, expected // 4)
