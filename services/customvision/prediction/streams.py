"""Questions and answers over streams."""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from customvision.common.notifier import ServiceStopping
from customvision.prediction.answer_stream import AnswerStream
from customvision.prediction.caller import Caller
from customvision.prediction.outcomes import Outcome, outcome_of
from customvision.prediction.predictor import Answer, Predictor
from customvision.prediction.question import Question, check_length

MAX_REQUEST_ID_CHARACTERS = 128


@dataclass(frozen=True)
class StreamQuestion:
    """A question under the id that its caller chose."""

    request_id: str
    question: Question


@dataclass(frozen=True)
class StreamAnswer:
    """What became of the question of that id; of an id that is too long, the part that is allowed."""

    request_id: str
    outcome: Outcome


class Streams:
    """The open streams, which end when the service drains. Belongs to one event loop."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._open: set[AnswerStream[StreamQuestion, StreamAnswer]] = set()
        self._closed = False

    async def answers(
        self, questions: AsyncIterable[StreamQuestion], caller: Caller
    ) -> AsyncGenerator[StreamAnswer, None]:
        """Yields an answer to each question as it is ready; what is wrong with one is its outcome.

        Raises ServiceStopping where the service drains, once every question that was read is answered.
        """
        if self._closed:
            raise ServiceStopping
        stream = AnswerStream(partial(self._answer, caller), at_once=self._predictor.at_once)
        self._open.add(stream)
        try:
            async with aclosing(stream.answers(questions)) as answers:
                async for answer in answers:
                    yield answer
        finally:
            self._open.discard(stream)
        if stream.stopped:
            raise ServiceStopping

    def close(self) -> None:
        """Lets every stream end after the questions that were read, and begins no more."""
        self._closed = True
        for stream in self._open:
            stream.stop()

    async def _answer(self, caller: Caller, asked: StreamQuestion) -> StreamAnswer:
        outcome = await outcome_of(self._checked(caller, asked))
        return StreamAnswer(asked.request_id[:MAX_REQUEST_ID_CHARACTERS], outcome)

    async def _checked(self, caller: Caller, asked: StreamQuestion) -> Answer:
        check_length("request_id", asked.request_id, MAX_REQUEST_ID_CHARACTERS)
        return await self._predictor.predict(asked.question, caller)
