"""Whose turn is next."""

import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customvision.prediction.fair_queue import FairQueue

PROJECTS = st.sampled_from("abc")


def taken(queue: FairQueue[str], count: int) -> list[str | None]:
    """Takes so many items."""
    return [queue.take() for _ in range(count)]


def test_projects_take_turns_and_within_one_the_oldest_comes_first() -> None:
    """A project that asks much waits for its turn like one that asks once."""
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "a2", "a3", "b1", "c1", "c2"):
        queue.put(item[0], item)
    assert taken(queue, 6) == ["a1", "b1", "c1", "a2", "c2", "a3"]


@given(st.lists(st.tuples(st.sampled_from(["put", "take", "remove"]), PROJECTS)))
def test_nothing_is_lost_and_nobody_is_passed_over(steps: list[tuple[str, str]]) -> None:
    """Whatever comes and goes: of a project the oldest is next, and nobody has two turns while another waits."""
    queue: FairQueue[tuple[str, int]] = FairQueue()
    waiting: dict[str, deque[tuple[str, int]]] = {}
    turns_since_served: dict[str, set[str]] = {}
    for number, (step, project) in enumerate(steps):
        items = waiting.setdefault(project, deque())
        if step == "put":
            if not items:
                turns_since_served[project] = set()
            items.append((project, number))
            queue.put(project, (project, number))
        elif step == "remove" and items:
            queue.remove(project, items.pop())
        elif step == "take" and any(waiting.values()):
            item = queue.take()
            assert item is not None
            assert item == waiting[item[0]].popleft()
            for other, others in waiting.items():
                if others and other != item[0]:
                    assert item[0] not in turns_since_served[other], "one was served twice while another waited"
                    turns_since_served[other].add(item[0])
            turns_since_served[item[0]] = set()
        assert len(queue) == sum(map(len, waiting.values()))


def test_what_is_removed_is_not_taken() -> None:
    """A removed item is gone, removing it again does nothing, and its thread goes on to the next."""
    queue: FairQueue[str] = FairQueue()
    queue.put("a", "gone")
    queue.put("a", "here")
    queue.remove("a", "gone")
    queue.remove("a", "gone")
    assert queue.take() == "here"
    assert len(queue) == 0


def test_closing_ends_every_take_and_returns_the_rest() -> None:
    """Threads that wait get nothing any more, nor do those that come later."""
    queue: FairQueue[str] = FairQueue()
    ends: list[str | None] = []
    threads = [threading.Thread(target=lambda: ends.append(queue.take())) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert queue.close() == []
    for thread in threads:
        thread.join(10)
    assert ends == [None] * 3
    assert queue.take() is None


@pytest.mark.parametrize("count", [3])
def test_closing_returns_what_waits(count: int) -> None:
    """What no thread began is handed back."""
    queue: FairQueue[int] = FairQueue()
    for number in range(count):
        queue.put("a", number)
    assert queue.close() == list(range(count))
