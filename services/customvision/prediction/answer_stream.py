"""Answers as they are ready, to questions that come one after another."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class AnswerStream(Generic[Asked, Answered]):
    """Works on a bounded number of questions at once and reads the next only when there is room for it.

    A question takes its room until its answer has been taken: who sends faster than answers come, or takes none, is
    no longer read from.
    """

    def __init__(self, answer: Callable[[Asked], Awaitable[Answered]], *, at_once: int) -> None:
        self._answer = answer
        self._room = asyncio.Semaphore(at_once)
        # None after the last answer.
        self._ready: asyncio.Queue[Answered | None] = asyncio.Queue()
        self._answering: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self.stopped = False

    async def answers(self, questions: AsyncIterable[Asked]) -> AsyncGenerator[Answered, None]:
        """Yields an answer to each question as it is ready; ends once there are no more questions, or after ``stop``.

        Left early, it gives up what is unanswered. Raises what reading ``questions`` raises.
        """
        self._reading = reading = asyncio.create_task(self._read(questions))
        reading.add_done_callback(self._ended)
        try:
            while (answer := await self._ready.get()) is not None:
                yield answer
                self._room.release()
            if not reading.cancelled():
                reading.result()
        finally:
            tasks = [reading, *self._answering]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """Reads no more questions; those read are answered. Sets ``stopped`` where there might have been more."""
        if self._reading is not None and not self._reading.done():
            self.stopped = True
            self._reading.cancel()

    async def _read(self, questions: AsyncIterable[Asked]) -> None:
        await self._room.acquire()
        async for question in questions:
            task = asyncio.create_task(self._answer_one(question))
            self._answering.add(task)
            task.add_done_callback(self._ended)
            # Not held while the next is waited for.
            del question
            await self._room.acquire()

    async def _answer_one(self, question: Asked) -> None:
        self._ready.put_nowait(await self._answer(question))

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._answering.discard(task)
        if self._reading is not None and self._reading.done() and not self._answering:
            self._ready.put_nowait(None)
