"""What a call hands on to the calls that are made for it: its request id, its place in a trace."""

import uuid
from collections.abc import Iterable
from contextvars import ContextVar

REQUEST_ID_HEADER = "x-request-id"
MAX_REQUEST_ID_CHARACTERS = 128
MAX_TRACE_CHARACTERS = 512
# W3C's trace context; who does not trace itself passes it on.
TRACE_HEADERS = frozenset({"traceparent", "tracestate"})

Headers = tuple[tuple[str, str], ...]

_handed_on: ContextVar[Headers] = ContextVar("handed_on", default=())


def begin_call(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """Takes over what the caller's ``metadata`` hands on, for the task that runs; returns the call's request id.

    An id that is missing or unusable is replaced by one of our own. Every log entry of the task carries it.
    """
    request_id, traces = "", []
    for name, value in metadata:
        if name == REQUEST_ID_HEADER and _is_usable(value, MAX_REQUEST_ID_CHARACTERS):
            request_id = str(value)
        elif name in TRACE_HEADERS and _is_usable(value, MAX_TRACE_CHARACTERS):
            traces.append((name, str(value)))
    request_id = request_id or uuid.uuid4().hex
    _handed_on.set(((REQUEST_ID_HEADER, request_id), *traces))
    # Loaded by who is called, for it takes a twelfth of a second: a training's process only calls.
    from structlog.contextvars import bind_contextvars

    # Never taken back: each call has a task, and so a context, of its own.
    bind_contextvars(request_id=request_id)
    return request_id


def hand_on(headers: Iterable[tuple[str, str]]) -> None:
    """Has calls that the running task makes carry ``headers`` in place of those of the same names."""
    replaced = dict(headers)
    kept = (pair for pair in _handed_on.get() if pair[0] not in replaced)
    _handed_on.set((*kept, *replaced.items()))


def handed_on() -> Headers:
    """Returns the metadata that calls of the running task carry; nothing outside of a call."""
    return _handed_on.get()


def _is_usable(value: str | bytes, most: int) -> bool:
    """Returns whether a value can travel on: metadata of calls is printable ASCII."""
    return isinstance(value, str) and 0 < len(value) <= most and value.isascii() and value.isprintable()
