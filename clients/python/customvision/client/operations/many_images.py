"""Questions about many images: in one call, or over a stream that is opened again where it breaks."""

import random
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from customvision.client.errors import CustomVisionError, error_from_failure
from customvision.client.operations.image_files import read_image
from customvision.client.operations.patience import Patience
from customvision.client.steps import Call, Emit, Next, Open, Sleep, Steps, Work
from customvision.v1 import prediction_service_pb2
from customvision.v1.prediction_service_pb2 import PredictRequest, PredictStreamRequest, PredictStreamResponse

# A file's bytes, its path, or its URL.
Image: TypeAlias = bytes | Path | str
# How often a question is sent that the service has no room for.
MAX_ATTEMPTS = 10


@dataclass(frozen=True)
class ImageAnswer:
    """What became of one image of a stream: ``response``, or the ``error`` that says why there is none.

    ``index`` counts the images from 0, in the order in which they were given; ``image`` is as it was given.
    """

    index: int
    image: Image
    response: prediction_service_pb2.PredictResponse | None = None
    error: CustomVisionError | None = None


def predict_batch(
    images: Sequence[Image], request: prediction_service_pb2.PredictBatchRequest
) -> Steps[prediction_service_pb2.PredictBatchResponse]:
    """Returns the answers for up to 64 images, in order; ``request`` says what to ask of each."""
    for image in images:
        if isinstance(image, str):
            request.images.add(image_url=image)
        else:
            request.images.add(image_data=(yield Work(partial(_content, image))))
    answer: prediction_service_pb2.PredictBatchResponse = yield Call("prediction", "PredictBatch", request)
    return answer


def predict_stream(images: Iterable[Image], question: PredictRequest, patience_seconds: float) -> Steps[None]:
    """Emits an ImageAnswer for every image as it is ready; ``question`` says what to ask of each.

    Raises CustomVisionError where the stream cannot go on, and what ``images`` raises.
    """
    questions = _Questions(images, question)
    # A service that has not answered yet is told at once; one that has is likely to come back.
    patience = Patience(0.0)
    heard = False
    # How often as many streams were open as may be.
    refusals = 0
    try:
        while not questions.answered:
            stream = yield Open("prediction", "PredictStream", questions.messages())
            try:
                while (response := (yield Next(stream))) is not None:
                    patience = patience if heard else Patience(patience_seconds)
                    heard = True
                    patience.renew()
                    for answer in questions.answers(response):
                        yield Emit(answer)
            except CustomVisionError as error:
                crowded = error.retry_after is not None and refusals < MAX_ATTEMPTS
                refusals += crowded
                yield Sleep(_spread(error.retry_after or 0.0) if crowded else patience.pause_after(error))
            finally:
                stream.cancel()
            for answer in questions.unreadable():
                yield Emit(answer)
    finally:
        questions.close()


class _Questions:
    """What is asked and not answered yet. ``messages`` is read from another thread than the rest is called from."""

    def __init__(self, images: Iterable[Image], question: PredictRequest) -> None:
        self._images = enumerate(images)
        self._reading = threading.Lock()
        self._question = question
        self._unanswered: dict[int, tuple[Image, PredictRequest]] = {}
        self._refused: deque[int] = deque()
        self._refusals: dict[int, int] = {}
        self._unreadable: deque[ImageAnswer] = deque()
        self._not_before = 0.0
        self._all_read = False
        self._closed = threading.Event()
        self._failure: Exception | None = None

    @property
    def answered(self) -> bool:
        """Whether every image is answered. Raises what the images raised where they ended early."""
        if self._failure is not None:
            raise self._failure
        return self._all_read and not self._unanswered

    def messages(self) -> Generator[PredictStreamRequest, None, None]:
        """Yields a message for every question without an answer, first those that an earlier stream left behind."""
        self._refused.clear()
        for index in list(self._unanswered):
            yield from self._message(index)
        for index, request in self._read():
            while self._refused:
                yield from self._message(self._refused.popleft())
            self._wait()
            yield PredictStreamRequest(request_id=str(index), question=request)

    def answers(self, response: PredictStreamResponse) -> Iterator[ImageAnswer]:
        """Yields the answer that a response is, unless the question is sent again, and images that cannot be read."""
        index = int(response.request_id)
        if response.HasField("failure"):
            error = error_from_failure(response.failure)
            if error.retry_after is not None and self._refusals.get(index, 0) < MAX_ATTEMPTS - 1:
                self._send_again(index, error.retry_after)
            else:
                yield ImageAnswer(index, self._settled(index), error=error)
        else:
            yield ImageAnswer(index, self._settled(index), response=response.response)
        yield from self.unreadable()

    def unreadable(self) -> Iterator[ImageAnswer]:
        """Yields the answers to files that could not be read since the last time."""
        while self._unreadable:
            yield self._unreadable.popleft()

    def close(self) -> None:
        """Ends the messages."""
        self._closed.set()

    def _read(self) -> Iterator[tuple[int, PredictRequest]]:
        while not self._closed.is_set():
            # A stream that broke may still be reading while the next one begins.
            with self._reading:
                try:
                    index, image = next(self._images)
                except StopIteration:
                    self._all_read = True
                    return
                except Exception as error:  # noqa: BLE001 - told to who reads the answers
                    self._failure = error
                    return
                try:
                    request = self._filled(image)
                except CustomVisionError as error:
                    self._unreadable.append(ImageAnswer(index, image, error=error))
                    continue
                self._unanswered[index] = image, request
            yield index, request

    def _filled(self, image: Image) -> PredictRequest:
        request = PredictRequest()
        request.CopyFrom(self._question)
        if isinstance(image, str):
            request.image_url = image
        else:
            request.image_data = _content(image)
        return request

    def _message(self, index: int) -> Iterator[PredictStreamRequest]:
        self._wait()
        waiting = self._unanswered.get(index)
        if waiting is not None and not self._closed.is_set():
            yield PredictStreamRequest(request_id=str(index), question=waiting[1])

    def _wait(self) -> None:
        """Sends nothing more for a while after the service had no room."""
        self._closed.wait(max(0.0, self._not_before - time.monotonic()))

    def _send_again(self, index: int, seconds: float) -> None:
        self._refusals[index] = self._refusals.get(index, 0) + 1
        self._not_before = time.monotonic() + _spread(seconds)
        self._refused.append(index)

    def _settled(self, index: int) -> Image:
        self._refusals.pop(index, None)
        return self._unanswered.pop(index)[0]


def _spread(seconds: float) -> float:
    """Returns a pause: clients that were refused together do not return all at once."""
    return seconds * random.uniform(1.0, 1.5)  # noqa: S311 - spreads load, guards nothing


def _content(image: bytes | Path) -> bytes:
    return image if isinstance(image, bytes) else read_image(image).data
