"""A child process as its parent sees it: spawned, listened to, and certainly gone in the end."""

import asyncio
import collections
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Coroutine, Iterable, Mapping
from typing import Any

from customvision.common.quantities import duration_words
from customvision.training.children.child_limits import ChildLimits, Overrun, overrun_of

MAX_LINE_BYTES = 4 * 1024 * 1024
LOG_LINES_KEPT = 40
SECONDS_TO_TERMINATE = 1.0
# Far longer than any step that a child's work has: one that tells nothing for so long never will.
SECONDS_OF_SILENCE = 600.0


class ChildStopped(Exception):
    """The child ended otherwise than by finishing its work; ``log_tail`` is the last of its standard error."""

    def __init__(self, log_tail: str) -> None:
        super().__init__(log_tail)
        self.log_tail = log_tail


class ChildKilled(ChildStopped):
    """The child was killed; ``cause`` is a few words: a signal (out of memory, or somebody's hand), or silence."""

    def __init__(self, cause: str, log_tail: str) -> None:
        super().__init__(log_tail)
        self.cause = cause


class ChildCrashed(ChildStopped):
    """The child ended with an exit status other than 0."""


class ChildOverran(ChildStopped):
    """The child took more than its limits, and was killed here for it."""

    def __init__(self, overrun: Overrun, log_tail: str) -> None:
        super().__init__(log_tail)
        self.overrun = overrun


async def reports_of(
    module: str,
    request: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    seconds_of_silence: float = SECONDS_OF_SILENCE,
    limits: ChildLimits | None = None,
) -> AsyncGenerator[dict[str, Any], None]:
    """Runs ``python -m module`` on ``request`` and yields its reports until it ends.

    Raises ChildCrashed, ChildKilled, also where the child was silent for too long and was killed here, and
    ChildOverran. Closed or cancelled before, it kills the child and all that the child started, within two seconds.
    The request travels on standard input, so that no secret stands on a command line.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        # Files in the user's current folder are not modules to import.
        "-P",
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=MAX_LINE_BYTES,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 - they are pipes
    tail: collections.deque[str] = collections.deque(maxlen=LOG_LINES_KEPT)
    listening = asyncio.create_task(_keep_tail(process.stderr, tail))
    guarding = asyncio.create_task(_guard(process.pid, limits or ChildLimits()))
    try:
        # A child that dies at once is found by its exit status, below.
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            await process.stdin.drain()
        # A child that is killed may leave half a line.
        while (line := await _next_line(process.stdout, seconds_of_silence, tail)).endswith(b"\n"):
            yield json.loads(line)
        await process.wait()
        await listening
        if guarding.done():
            raise ChildOverran(guarding.result(), "\n".join(tail))
        _check_exit(process.returncode or 0, "\n".join(tail))
    finally:
        guarding.cancel()
        await _to_the_end(_end(process, listening))


async def _next_line(stream: asyncio.StreamReader, seconds: float, log: Iterable[str]) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await stream.readline()
    except TimeoutError as error:
        raise ChildKilled(f"silent for {duration_words(seconds)}", "\n".join(log)) from error


async def _keep_tail(stream: asyncio.StreamReader, tail: collections.deque[str]) -> None:
    while piece := await stream.read(MAX_LINE_BYTES):
        tail.extend(piece.decode(errors="replace").splitlines())


async def _guard(group: int, limits: ChildLimits) -> Overrun:
    overrun = await overrun_of(group, limits)
    _signal_group(group, signal.SIGKILL)
    return overrun


def _check_exit(status: int, log_tail: str) -> None:
    if status < 0:
        raise ChildKilled(f"signal {-status}", log_tail)
    if status > 0:
        raise ChildCrashed(log_tail)


async def _end(process: asyncio.subprocess.Process, listening: "asyncio.Task[None]") -> None:
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), SECONDS_TO_TERMINATE)
        except TimeoutError:
            _signal_group(process.pid, signal.SIGKILL)
            await process.wait()
    # The child is gone; what it started may not be.
    _signal_group(process.pid, signal.SIGKILL)
    if process.stdin:
        process.stdin.close()
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Does ``work``, however often it is cancelled meanwhile, and is cancelled afterwards."""
    working = asyncio.create_task(work)
    cancelled = False
    while not working.done():
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError:
            cancelled = True
    working.result()
    if cancelled:
        raise asyncio.CancelledError


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
