"""Questions and answers over streams."""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from customvision.common.authentication import Role
from customvision.common.message_room import MessageRoom
from customvision.common.notifier import ServiceStopping
from customvision.common.open_streams import OpenStreams, StreamPlace
from customvision.prediction.answer_stream import AnswerStream
from customvision.prediction.caller import Caller
from customvision.prediction.outcomes import Outcome, outcome_of
from customvision.prediction.predictor import Answer, Predictor, size_of
from customvision.prediction.question import Question, check_length

MAX_REQUEST_ID_CHARACTERS = 128
# What the questions of all streams with one key may hold.
MAX_BYTES = 64 * 1024 * 1024
# Their part of the places for questions, so that what they ask is refused only where others ask much.
SHARE_OF_PLACES = 1 / 4


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
    """The open streams, which end when the service drains. Belongs to one event loop.

    With each key a bounded number is open; together they have a bounded number of questions under way, of bounded size.
    """

    def __init__(self, predictor: Predictor, places: OpenStreams | None = None) -> None:
        self._predictor = predictor
        self._places = places or OpenStreams()
        count = int(predictor.admission.places.total * SHARE_OF_PLACES)
        self._rooms = {role: MessageRoom(size=MAX_BYTES, count=count) for role in Role}
        self._open: set[AnswerStream[StreamQuestion, StreamAnswer]] = set()
        self._closed = False

    async def answers(
        self, questions: AsyncIterable[StreamQuestion], caller: Caller
    ) -> AsyncGenerator[StreamAnswer, None]:
        """Yields an answer to each question as it is ready; what is wrong with one is its outcome.

        Raises ServiceStopping where the service drains, once every question that was read is answered; TooManyStreams
        and StreamSilent.
        """
        if self._closed:
            raise ServiceStopping
        async with self._places.place(caller.role) as place:
            stream = AnswerStream(partial(self._answer, caller, place), at_once=self._predictor.at_once)
            self._open.add(stream)
            try:
                async with aclosing(stream.answers(self._read(questions, caller, place))) as answers:
                    async for answer in answers:
                        with place.sending():
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

    async def _read(
        self, questions: AsyncIterable[StreamQuestion], caller: Caller, place: StreamPlace
    ) -> AsyncGenerator[StreamQuestion, None]:
        """Yields a stream's questions, each read once there is room among those of all streams."""
        unread = aiter(questions)
        while True:
            await self._rooms[caller.role].wait()
            question = await anext(unread, None)
            if question is None:
                return
            place.note()
            yield question
            # Not held while the next is waited for.
            del question

    async def _answer(self, caller: Caller, place: StreamPlace, asked: StreamQuestion) -> StreamAnswer:
        with self._rooms[caller.role].held(size_of(asked.question)):
            outcome = await outcome_of(self._checked(caller, asked))
        place.note()
        return StreamAnswer(asked.request_id[:MAX_REQUEST_ID_CHARACTERS], outcome)

    async def _checked(self, caller: Caller, asked: StreamQuestion) -> Answer:
        check_length("request_id", asked.request_id, MAX_REQUEST_ID_CHARACTERS)
        return await self._predictor.predict(asked.question, caller)
