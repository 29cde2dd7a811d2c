"""Answers as they are ready, and how much is worked on at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from customvision.prediction.answer_stream import AnswerStream


async def settled() -> None:
    """Lets everything happen that can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Questions:
    """Numbers that are asked as fast as they are read; ``read`` counts them, ``answered`` those begun."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.read = 0
        self.begun: list[int] = []
        self.held: dict[int, asyncio.Event] = {}
        self._count = count
        self._error = error

    async def ask(self) -> AsyncIterator[int]:
        """Yields the numbers, then ends, with the error where there is one."""
        for number in range(self._count):
            self.read += 1
            yield number
        if self._error is not None:
            raise self._error

    async def answer(self, number: int) -> int:
        """Answers with the number, once it is not held any more."""
        self.begun.append(number)
        if number in self.held:
            await self.held[number].wait()
        return number


async def test_answers_come_as_they_are_ready() -> None:
    """A question that takes long holds up no other; all are answered."""
    questions = Questions(10)
    questions.held[0] = asyncio.Event()
    answers = []
    async for answer in AnswerStream(questions.answer, at_once=3).answers(questions.ask()):
        answers.append(answer)
        if len(answers) == 9:
            questions.held[0].set()
    assert answers == [*range(1, 10), 0]


async def test_who_takes_no_answers_is_no_longer_read_from() -> None:
    """Answers that nobody takes count as unanswered: reading stops at the bound, and goes on one by one."""
    questions = Questions(1000)
    async with aclosing(AnswerStream(questions.answer, at_once=4).answers(questions.ask())) as answers:
        await anext(answers)
        await settled()
        assert questions.read == 4
        await anext(answers)
        await settled()
        assert questions.read == 5


async def test_questions_that_take_long_are_bounded() -> None:
    """No more are worked on at once than told."""
    questions = Questions(1000)
    questions.held = {number: asyncio.Event() for number in range(1000)}
    answers = AnswerStream(questions.answer, at_once=4).answers(questions.ask())
    first = asyncio.ensure_future(anext(answers))
    await settled()
    assert questions.begun == [0, 1, 2, 3]
    questions.held[2].set()
    assert await first == 2
    await answers.aclose()


async def test_leaving_early_gives_up_what_is_unanswered() -> None:
    """Nothing goes on once the caller has gone."""
    questions = Questions(1000)
    questions.held = {number: asyncio.Event() for number in range(1, 1000)}
    before = asyncio.all_tasks()
    async with aclosing(AnswerStream(questions.answer, at_once=4).answers(questions.ask())) as answers:
        assert await anext(answers) == 0
    assert asyncio.all_tasks() == before


async def test_after_a_stop_what_was_read_is_answered() -> None:
    """No question is lost: reading stops, the stream ends after the answers."""
    questions = Questions(1000)
    questions.held = {number: asyncio.Event() for number in range(1000)}
    stream = AnswerStream(questions.answer, at_once=4)
    answers = stream.answers(questions.ask())
    first = asyncio.ensure_future(anext(answers))
    await settled()
    stream.stop()
    for held in questions.held.values():
        held.set()
    assert sorted([await first, *[answer async for answer in answers]]) == [0, 1, 2, 3]
    assert stream.stopped


async def test_a_stop_with_nothing_read_ends_the_stream() -> None:
    """Whoever is silent is let go of."""

    async def silent() -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 0

    stream = AnswerStream(Questions(0).answer, at_once=4)
    ended = asyncio.ensure_future(anext(stream.answers(silent()), None))
    await settled()
    stream.stop()
    assert await ended is None


async def test_an_error_of_the_questions_comes_after_the_answers() -> None:
    """Questions that were read before reading failed are answered."""
    questions = Questions(3, ConnectionError("broken"))
    answers = []
    with pytest.raises(ConnectionError, match="broken"):
        async for answer in AnswerStream(questions.answer, at_once=2).answers(questions.ask()):
            answers += [answer]
    assert sorted(answers) == [0, 1, 2]
