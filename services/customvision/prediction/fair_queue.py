"""Whose turn is next: projects take turns, and within a project the oldest comes first."""

import threading
from collections import deque
from queue import SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Filled by one thread, emptied by several. Has no limit of its own: who may wait is decided before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Item]] = {}
        # Each project that has something waiting, once; the next one to serve first.
        self._turns: deque[str] = deque()
        # One signal for each item. Written in C: it wakes a thread in a fraction of what a Condition needs.
        self._signals: SimpleQueue[None] = SimpleQueue()
        self._closed = False

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def put(self, project_id: str, item: Item) -> None:
        """Adds an item behind those of its project."""
        with self._lock:
            items = self._waiting.get(project_id)
            if items is None:
                items = self._waiting[project_id] = deque()
                self._turns.append(project_id)
            items.append(item)
        self._signals.put(None)

    def remove(self, project_id: str, item: Item) -> None:
        """Takes an item out that nobody wants any more, unless a thread has it already."""
        with self._lock:
            items = self._waiting.get(project_id)
            if items is None or item not in items:
                return
            items.remove(item)
            if not items:
                del self._waiting[project_id]
                self._turns.remove(project_id)

    def take(self) -> Item | None:
        """Waits for the next item and returns it; None once the queue is closed."""
        while True:
            self._signals.get()
            with self._lock:
                if self._closed:
                    # For the next who waits.
                    self._signals.put(None)
                    return None
                if self._turns:
                    return self._next()
                # The item that the signal was for has been removed.

    def close(self) -> list[Item]:
        """Ends every ``take`` and returns what was waiting still."""
        with self._lock:
            self._closed = True
            rest = [item for items in self._waiting.values() for item in items]
            self._waiting.clear()
            self._turns.clear()
        self._signals.put(None)
        return rest

    def _next(self) -> Item:
        project_id = self._turns.popleft()
        items = self._waiting[project_id]
        item = items.popleft()
        if items:
            self._turns.append(project_id)
        else:
            del self._waiting[project_id]
        return item
