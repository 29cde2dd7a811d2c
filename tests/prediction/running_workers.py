"""A prediction service with several workers, in processes of its own."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil

from customvision.common.keys import Keys
from prediction.running_suite import PATIENCE_SECONDS

START_SECONDS = 60.0
WORKER = "customvision.prediction.workers"
COMMAND = (sys.executable, "-m", "customvision.prediction")


class WorkersProcess:
    """The process above the workers, and what it and they log."""

    def __init__(self, home: Path, project_address: str, keys: Keys, *, workers: int = 2) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        (home / "keys.json").write_text(
            json.dumps({"training_key": keys.training_key, "prediction_key": keys.prediction_key})
        )
        self.environment = os.environ | {
            "CUSTOMVISION_HOME": str(home),
            "CUSTOMVISION_PROJECT_ADDRESS": project_address,
            "CUSTOMVISION_PREDICTION_ADDRESS": "127.0.0.1:0",
            "CUSTOMVISION_PREDICTION_WORKERS": str(workers),
        }
        self.entries: list[dict[str, Any]] = []
        self.process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Where the workers serve."""
        (entry,) = self.logged("serving")
        return str(entry["address"])

    async def start(self) -> None:
        """Starts it and waits until all workers serve."""
        self.process = await asyncio.create_subprocess_exec(
            *COMMAND, env=self.environment, stderr=asyncio.subprocess.PIPE
        )
        self._reading = asyncio.create_task(self._read())
        await self.until(lambda: bool(self.logged("serving")), START_SECONDS)

    async def stop(self) -> int:
        """Tells it to stop, as a supervisor does, and returns its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await self.ended()

    async def ended(self) -> int:
        """Waits for its end, and that of all who write into its log, and returns its exit code."""
        assert self.process is not None
        assert self._reading is not None
        await self._reading
        return await self.process.wait()

    def workers(self) -> list[psutil.Process]:
        """Returns the workers that run, by number."""
        assert self.process is not None
        lines = {child: child.cmdline() for child in psutil.Process(self.process.pid).children()}
        # One that is being started is still a copy of the process above.
        workers = [child for child, line in lines.items() if WORKER in line]
        return sorted(workers, key=lambda child: lines[child][-2])

    def logged(self, text: str) -> list[dict[str, Any]]:
        """Returns the entries of the log whose event contains a text."""
        return [entry for entry in self.entries if text in entry["event"]]

    async def until(self, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Waits until the condition is true."""
        async with asyncio.timeout(seconds):
            while not condition():
                assert self._reading is not None
                assert not self._reading.done(), self.entries
                await asyncio.sleep(0.01)

    async def _read(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            try:
                self.entries.append(json.loads(line))
            except json.JSONDecodeError:
                self.entries.append({"event": line.decode().strip()})


@contextlib.asynccontextmanager
async def running_workers(process: WorkersProcess) -> AsyncIterator[WorkersProcess]:
    """Runs it for the block."""
    await process.start()
    try:
        yield process
    finally:
        await process.stop()
