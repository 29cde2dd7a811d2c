"""Threads that compute for the coroutines of an event loop."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from customvision.common.notifier import ServiceStopping
from customvision.prediction.errors import PredictionTooLate
from customvision.prediction.fair_queue import FairQueue

Result = TypeVar("Result")

# How much the newest answer counts for the mean time of one.
NEWEST = 0.05
FIRST_GUESS_SECONDS = 0.01
SHORTEST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 30.0
# Enough for an ordinary image; one that takes longer is given up, and its thread ends with the process.
CLOSE_SECONDS = 0.5


@dataclass(eq=False, slots=True)
class Job:
    """Work for a thread, and the future that waits for what comes of it."""

    work: Callable[[], Any]
    deadline: float | None
    outcome: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None
    seconds: float = 0.0

    def tell(self) -> None:
        """Gives result or error to who waits. Called on the event loop."""
        if self.outcome.done():
            return
        if self.error is not None:
            self.outcome.set_exception(self.error)
        else:
            self.outcome.set_result(self.result)


class WorkerThreads:
    """Belongs to the event loop that it is made on. Projects take turns; none has more than ``at_once`` threads.

    A thread takes the next work by itself and hands over what came of it; the event loop is woken once for all that
    is ready, so that one question crosses threads once there and once back.
    """

    def __init__(self, count: int, *, at_once: int) -> None:
        self.count = count
        self.at_once = at_once
        self._loop = asyncio.get_running_loop()
        self._queue: FairQueue[Job] = FairQueue(at_once)
        self._done: deque[Job] = deque()
        self._woken = False
        self._closed = False
        self._seconds_each = FIRST_GUESS_SECONDS
        self._threads = [
            threading.Thread(target=self._work, name=f"predict-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def queued_count(self) -> int:
        """How much work waits for a thread."""
        return len(self._queue)

    def one_works(self) -> bool:
        """True while no more than one thread has work."""
        return self._queue.working_count <= 1

    async def run(self, project_id: str, work: Callable[[], Result], deadline: float | None) -> Result:
        """Has a thread do ``work`` when it is the project's turn, and returns its result or raises its error.

        Raises PredictionTooLate where no thread was free before ``deadline``, by time.monotonic, and ServiceStopping
        where none will be. A caller who is cancelled leaves the queue.
        """
        if self._closed:
            raise ServiceStopping
        job = Job(work, deadline, self._loop.create_future())
        self._queue.put(project_id, job)
        try:
            return cast("Result", await job.outcome)
        except asyncio.CancelledError:
            self._queue.remove(project_id, job)
            raise
        finally:
            # An error's traceback holds this frame, and through it the error would hold itself.
            del job

    def seconds_for(self, count: int) -> float:
        """Estimates how long the threads need for so many questions, at the present rate; 0.1 to 30 seconds."""
        return min(max(count * self._seconds_each / self.at_once, SHORTEST_RETRY_SECONDS), LONGEST_RETRY_SECONDS)

    def close(self) -> None:
        """Waits up to CLOSE_SECONDS for what the threads do now; what waits is told that it waits in vain.

        A thread that takes longer is left behind: it ends with the process, and nobody learns what came of its work.
        """
        self._closed = True
        for job in self._queue.close():
            job.error = ServiceStopping()
            job.tell()
        until = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.0))

    def _work(self) -> None:
        while (taken := self._queue.take()) is not None:
            project_id, job = taken
            started = time.monotonic()
            if job.deadline is not None and started >= job.deadline:
                job.error = PredictionTooLate()
            elif not job.outcome.cancelled():
                job.result, job.error = _attempt(job.work)
                job.seconds = time.monotonic() - started
            self._queue.finished(project_id)
            self._hand_over(job)
            # A thread that waits holds no image; nor does an error, whose traceback holds this frame.
            del job, taken

    def _hand_over(self, job: Job) -> None:
        self._done.append(job)
        # Two threads may both wake the loop, which does no harm; none can miss to: _tell_all clears the mark first.
        if not self._woken:
            self._woken = True
            # The loop may have ended before a thread that was left behind.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._tell_all)

    def _tell_all(self) -> None:
        self._woken = False
        while self._done:
            job = self._done.popleft()
            if job.seconds:
                self._seconds_each += NEWEST * (job.seconds - self._seconds_each)
            job.tell()


def _attempt(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Returns the result of ``work``, or its error."""
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who waits
        return None, error
