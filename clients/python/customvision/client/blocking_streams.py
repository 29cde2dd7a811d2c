"""The streams of the blocking client, and how they end before the program does."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc

# The end of a call comes from this machine at once; a program that ends is not held up for longer.
END_SECONDS = 2.0


class OpenStreams:
    """Knows which streams of a client have not ended yet."""

    def __init__(self) -> None:
        self._ends: set[threading.Event] = set()
        self._lock = threading.Lock()

    def add(self, call: Any) -> threading.Event:
        """Returns an event that is set once the ``call`` has ended and gRPC's own thread has let go of it."""
        ended = threading.Event()

        def end() -> None:
            ended.set()
            with self._lock:
                self._ends.discard(ended)

        with self._lock:
            self._ends.add(ended)
        if not call.add_callback(end):
            end()
        return ended

    def wait(self) -> None:
        """Waits until all of them have ended, END_SECONDS at most.

        gRPC handles a call's end on a thread that dies with the interpreter, with the call's lock in its hand if need
        be; what is collected later waits for that lock for ever.
        """
        with self._lock:
            open_ends = list(self._ends)
        latest = time.monotonic() + END_SECONDS
        for ended in open_ends:
            ended.wait(max(0.0, latest - time.monotonic()))


class BlockingStream:
    """The responses of a call as they come; its errors are CustomVisionError. Everything else is the call's own."""

    def __init__(self, call: Any, translated: Callable[[grpc.RpcError], Exception], ended: threading.Event) -> None:
        self._call = call
        self._translated = translated
        self._ended = ended

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise self._translated(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def cancel(self) -> bool:
        """Ends the call and waits until it has ended, END_SECONDS at most; returns whether it was still open."""
        cancelled: bool = self._call.cancel()
        self._ended.wait(END_SECONDS)
        return cancelled
