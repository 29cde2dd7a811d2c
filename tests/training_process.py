"""The training service as a process that a test may kill."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from customvision.common.settings import Settings


class TrainingProcess:
    """The training service as a program of its own."""

    def __init__(self, settings: Settings, module: str) -> None:
        self._settings = settings
        self._module = module
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Starts it, waits until it serves, and returns its address."""
        environment = {
            **os.environ,
            "CUSTOMVISION_HOME": str(self._settings.home),
            "CUSTOMVISION_PROJECT_ADDRESS": self._settings.project_address,
            "CUSTOMVISION_TRAINING_ADDRESS": self._settings.training_address,
            "CUSTOMVISION_BACKBONE_DOWNLOAD": "off",
            "CUSTOMVISION_TRAINING_EARLY_EMBEDDING": "on" if self._settings.training_early_embedding else "off",
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, stderr=asyncio.subprocess.PIPE, env=environment
        )
        assert self._process.stderr is not None
        async with asyncio.timeout(20):
            async for line in self._process.stderr:
                if b'"serving"' in line:
                    return line.decode().split('"address": "')[1].split('"')[0]
        raise AssertionError("the training service did not start")

    async def end(self, number: signal.Signals) -> int:
        """Sends a signal and returns the exit status."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode


@asynccontextmanager
async def training_process(settings: Settings, module: str = "customvision.training") -> AsyncIterator[TrainingProcess]:
    """A training service, started as ``module``, that is gone in the end."""
    process = TrainingProcess(settings, module)
    try:
        yield process
    finally:
        await process.end(signal.SIGKILL)
