"""How an operation is written once for both clients: as a generator of the steps that it wants done.

An operation yields a step and receives its answer, or the CustomVisionError that it ended with. It does no I/O itself;
``Client`` performs steps in the caller's thread, ``AsyncClient`` on the event loop.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from customvision.client.errors import CustomVisionError

Result = TypeVar("Result")


class ResponseStream(Protocol):
    """The open stream of a call."""

    def cancel(self) -> object:
        """Ends the call."""


@dataclass(frozen=True)
class Call:
    """Call ``method`` of ``service`` with a message, or with many where it takes a stream; answered by its response.

    Many messages are a list, or a generator that may read files as they are sent. ``seconds`` is the deadline where it
    is not the usual one.
    """

    service: str
    method: str
    request: Any
    seconds: float | None = None


@dataclass(frozen=True)
class Open:
    """Call ``method`` of ``service``; answered by the open ResponseStream. The operation cancels it when done.

    Many messages are a generator, which is read from another thread, as fast as the service takes them.
    """

    service: str
    method: str
    request: Any


@dataclass(frozen=True)
class Next:
    """Wait for a stream; answered by its next message, or None at its end."""

    stream: ResponseStream


@dataclass(frozen=True)
class Work:
    """Run a function that reads files or computes for long; answered by what it returns."""

    function: Callable[[], Any]


@dataclass(frozen=True)
class Sleep:
    """Pause for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Emit:
    """Give a value to the caller, who iterates."""

    value: Any


Step = Call | Open | Next | Work | Sleep | Emit
Steps = Generator[Step, Any, Result]


class Conversation(Generic[Result]):
    """An operation under way: ``step`` is what it wants now, None once it has its ``result``."""

    def __init__(self, steps: Steps[Result]) -> None:
        self._steps = steps
        self.step: Step | None = None
        self.result: Result | None = None

    def start(self) -> None:
        """Finds the first step."""
        self._advance(lambda: next(self._steps))

    def answer(self, value: object) -> None:
        """Hands over the answer to the current step and finds the next."""
        self._advance(lambda: self._steps.send(value))

    def fail(self, error: CustomVisionError) -> None:
        """Hands over the failure of the current step; raises it again where the operation cannot go on."""
        self._advance(lambda: self._steps.throw(error))

    def close(self) -> None:
        """Ends the operation early; it cancels what it has open."""
        self._steps.close()

    def _advance(self, advance: Callable[[], Step]) -> None:
        try:
            self.step = advance()
        except StopIteration as end:
            self.step, self.result = None, end.value
