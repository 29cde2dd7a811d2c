"""One service as a child process."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from customvision.common.program import SUPERVISED

STOP_SECONDS = 10.0


class ServiceProcess:
    """Starts ``python -m customvision.<name>``, or the ``command`` given, waits for its end, stops it.

    The process has this one's environment and the ``environment`` given, and keeps ``descriptors`` open. It is killed
    where it needs longer than ``stop_seconds`` to end.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        descriptors: Sequence[int] = (),
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self.name = name
        self._environment = dict(environment or {})
        self._descriptors = descriptors
        self._stop_seconds = stop_seconds
        # -P: not from the folder that the user happens to stand in.
        self._command = command or (sys.executable, "-P", "-m", f"customvision.{name}")
        self._process: asyncio.subprocess.Process | None = None
        self._asked_to_stop = False

    async def start(self) -> None:
        """Starts a process. It ends by itself when this one is gone: its standard input closes then."""
        self._asked_to_stop = False
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            env=os.environ | self._environment | {SUPERVISED: "1"},
            pass_fds=self._descriptors,
            # Ctrl-C reaches the supervisor alone, which stops the services in order.
            start_new_session=True,
        )

    async def wait(self) -> int:
        """Waits for the end and returns the exit code, negative for a signal."""
        if self._process is None:
            return 0
        return await self._process.wait()

    async def stop(self) -> None:
        """Asks the process to drain, however often this is called; kills it if it has not ended in time."""
        if self._process is None or self._process.returncode is not None:
            return
        if not self._asked_to_stop:
            # Once: to some programs a second signal means at once.
            self._asked_to_stop = True
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), self._stop_seconds)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def describe_exit(code: int) -> str:
    """Returns how a process ended, for people: "ended with code 1" or "was killed by SIGKILL"."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
