"""One call, from its arrival to its end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Self

import grpc
import structlog

from customvision.common.access_log import NOBODY, AccessLog
from customvision.common.call_context import REQUEST_ID_HEADER, begin_call, hand_on
from customvision.common.call_metrics import Method, MethodMetrics
from customvision.common.errors import ServiceError, forget_frames
from customvision.common.running_calls import RunningCalls
from customvision.common.status import code_of, internal_status, status_of
from customvision.common.tracing import Span, Tracer

# A deadline travels rounded up, by a hundredth at most, so the caller may give up a little before it.
DEADLINE_SLACK_SECONDS = 0.02
DEADLINE_SLACK_SHARE = 0.01
# Which codes are a server's fault is OpenTelemetry's convention.
FAULTS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)

_CODES = {code.value[0]: code for code in grpc.StatusCode}

log = structlog.get_logger()


@dataclass(frozen=True)
class Surroundings:
    """What the calls of one method have in common."""

    method: Method
    running: RunningCalls
    metrics: MethodMetrics
    access_log: AccessLog
    tracer: Tracer | None


class AnsweredCall:
    """To be admitted, to fail or not, and to end, in the task that grpc runs for the call."""

    def __init__(self, surroundings: Surroundings, context: Any) -> None:
        self._surroundings = surroundings
        self._context = context
        self._started = time.monotonic()
        self._code = grpc.StatusCode.OK
        self._metadata = tuple(context.invocation_metadata() or ())
        self._request_id = begin_call(self._metadata)
        self._span: Span | None = None
        self._running = False
        self._about = NOBODY
        surroundings.metrics.begin()

    def admit(self, refusal: ServiceError | None = None) -> None:
        """Lets the call through, or raises its ``refusal``, or ServiceStopping where the server takes no more."""
        surroundings = self._surroundings
        self._context.set_trailing_metadata(((REQUEST_ID_HEADER, self._request_id),))
        if surroundings.tracer is not None:
            method = surroundings.method
            attributes = {"rpc.system": "grpc", "rpc.service": method.service, "rpc.method": method.name}
            self._span = surroundings.tracer.begin(method.path.strip("/"), attributes, self._metadata)
            hand_on(self._span.headers)
        if refusal is not None:
            raise refusal
        surroundings.running.begin()
        self._running = True

    def concern(self, request: Any) -> None:
        """Notes whom the call's one message is about."""
        self._about = self._surroundings.access_log.names_in(request)

    def messages(self) -> AsyncIterator[Any]:
        """Returns the messages of a caller who streams, counted as they are read. Holds none of them."""
        return _Messages(self._context, self._surroundings.metrics.receive)

    def send(self) -> None:
        """Counts a message that is about to go."""
        self._surroundings.metrics.send()

    async def fail(self, error: BaseException) -> None:
        """Answers with the status of ``error``, where that is ours to say. Raises what ends a call early."""
        if isinstance(error, ServiceError):
            self._code = code_of(error)
            self._surroundings.metrics.fail(error.reason)
            await self._abort(error, status_of(error))
        elif isinstance(error, grpc.aio.AbortError):
            self._code = _CODES.get(self._context.code(), grpc.StatusCode.UNKNOWN)
        elif isinstance(error, asyncio.CancelledError | GeneratorExit):
            expired = self._is_at_deadline()
            self._code = grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED
        elif isinstance(error, Exception):
            self._code = grpc.StatusCode.INTERNAL
            self._surroundings.metrics.fail("INTERNAL")
            log.error("call failed", method=self._surroundings.method.path, exc_info=error)
            await self._abort(error, internal_status())

    def end(self) -> None:
        """Counts and logs the call."""
        surroundings, seconds = self._surroundings, time.monotonic() - self._started
        if self._running:
            surroundings.running.end()
        surroundings.metrics.end(self._code, seconds)
        surroundings.access_log.tell(surroundings.method.path, self._code.name, seconds, self._request_id, self._about)
        if self._span is not None:
            number: int = self._code.value[0]
            self._span.end({"rpc.grpc.status_code": number}, failed=self._code in FAULTS)

    async def _abort(self, error: Exception, status: Any) -> None:
        # grpc has the call hold what it was aborted with, in a circle.
        forget_frames(error)
        named = (*status.trailing_metadata, (REQUEST_ID_HEADER, self._request_id))
        await self._context.abort(status.code, status.details, named)

    def _is_at_deadline(self) -> bool:
        left = self._context.time_remaining()
        if left is None:
            return False
        whole = time.monotonic() - self._started + left
        return bool(left <= DEADLINE_SLACK_SECONDS + DEADLINE_SLACK_SHARE * whole)


class _Messages:
    # Not grpc's own iterator, which holds each message until the next is there.
    def __init__(self, context: Any, count: Callable[[], None]) -> None:
        self._context = context
        self._count = count

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        message = await self._context.read()
        if message is grpc.aio.EOF:
            raise StopAsyncIteration
        self._count()
        return message
