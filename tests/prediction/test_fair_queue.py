"""Whose turn is next."""

import threading
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from customvision.prediction.fair_queue import FairQueue

PROJECTS = st.sampled_from("abc")


def taken(queue: FairQueue[str], count: int) -> list[str]:
    """Takes so many items that there are."""
    found = [queue.take() for _ in range(count)]
    return [it[1] for it in found if it is not None]


def test_projects_take_turns_and_within_one_the_oldest_comes_first() -> None:
    """A project that asks much waits for its turn like one that asks once."""
    queue: FairQueue[str] = FairQueue(at_once=9)
    for item in ("a1", "a2", "a3", "b1", "c1", "c2"):
        queue.put(item[0], item)
    assert taken(queue, 6) == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_a_project_has_so_many_threads_and_the_others_are_left_to_others() -> None:
    """Past its number a project waits until one of its items is finished, while others' are begun."""
    queue: FairQueue[str] = FairQueue(at_once=2)
    for item in ("a1", "a2", "a3", "a4", "b1"):
        queue.put(item[0], item)
    assert taken(queue, 3) == ["a1", "b1", "a2"]
    queue.put("b", "b2")
    assert taken(queue, 1) == ["b2"]
    queue.finished("a")
    assert taken(queue, 1) == ["a3"]


@given(st.integers(1, 3), st.lists(st.tuples(st.sampled_from(["put", "put", "take", "finish", "remove"]), PROJECTS)))
def test_nothing_is_lost_and_nobody_is_passed_over(at_once: int, steps: list[tuple[str, str]]) -> None:
    """Whatever comes and goes: the oldest of a project is next, and none has two turns while another waits for one."""
    queue: FairQueue[tuple[str, int]] = FairQueue(at_once)
    waiting: dict[str, deque[tuple[str, int]]] = {project: deque() for project in "abc"}
    working = dict.fromkeys("abc", 0)
    served_since: dict[str, set[str]] = {project: set() for project in "abc"}

    def may_begin() -> list[str]:
        return [project for project in "abc" if waiting[project] and working[project] < at_once]

    for number, (step, project) in enumerate(steps):
        before = may_begin()
        if step == "put":
            waiting[project].append((project, number))
            queue.put(project, (project, number))
        elif step == "remove" and waiting[project]:
            queue.remove(project, waiting[project].pop())
        elif step == "finish" and working[project]:
            working[project] -= 1
            queue.finished(project)
        elif step == "take" and before:
            found = queue.take()
            assert found is not None
            taker, item = found
            assert taker in before
            assert item == waiting[taker].popleft()
            working[taker] += 1
            for other in before:
                assert other == taker or taker not in served_since[other], "served twice while another waited"
                served_since[other].add(taker)
            served_since[taker] = set()
        for other in set(may_begin()) - set(before):
            served_since[other] = set()
        assert len(queue) == sum(map(len, waiting.values()))


def test_what_is_removed_is_not_taken() -> None:
    """A removed item is gone, removing it again does nothing, and its thread goes on to the next."""
    queue: FairQueue[str] = FairQueue(at_once=9)
    queue.put("a", "gone")
    queue.put("a", "here")
    queue.remove("a", "gone")
    queue.remove("a", "gone")
    assert queue.take() == ("a", "here")
    assert len(queue) == 0


def test_closing_ends_every_take_and_returns_the_rest() -> None:
    """Threads that wait get nothing any more, nor do those that come later; what no thread began is handed back."""
    queue: FairQueue[str] = FairQueue(at_once=1)
    ends: list[object] = []
    for item in ("a1", "a2", "a3"):
        queue.put("a", item)
    assert taken(queue, 1) == ["a1"]
    threads = [threading.Thread(target=lambda: ends.append(queue.take())) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert queue.close() == ["a2", "a3"]
    for thread in threads:
        thread.join(10)
    assert ends == [None] * 3
    assert queue.take() is None
