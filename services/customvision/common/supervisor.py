"""Keeps services running: a service that dies is started again, after a pause that grows."""

import asyncio
import time
from collections.abc import Sequence

import structlog

from customvision.common.errors import ConfigurationError
from customvision.common.notifier import wait
from customvision.common.program import EXIT_CONFIGURATION
from customvision.common.service_process import ServiceProcess, describe_exit

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A service that lived this long was healthy: its next pause starts small again.
HEALTHY_SECONDS = 60.0

log = structlog.get_logger()


class Supervisor:
    """Runs ``services`` until ``stopping`` is set, then stops them: last started first, or ``together``."""

    def __init__(
        self,
        services: Sequence[ServiceProcess],
        stopping: asyncio.Event,
        *,
        together: bool = False,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._services = services
        self._stopping = stopping
        self._together = together
        self._first_pause = first_pause_seconds

    async def run(self) -> None:
        """Returns once all services have ended. Raises ConfigurationError where one could not start as it is set up."""
        keepers = [asyncio.create_task(self._keep(service)) for service in self._services]
        await self._stopping.wait()
        await self._stop()
        outcomes = await asyncio.gather(*keepers, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _stop(self) -> None:
        if self._together:
            await asyncio.gather(*(service.stop() for service in self._services))
            return
        for service in reversed(self._services):
            await service.stop()

    async def _keep(self, service: ServiceProcess) -> None:
        pause = self._first_pause
        first = True
        while not self._stopping.is_set():
            started = time.monotonic()
            ending = await self._run_once(service)
            if self._stopping.is_set():
                return
            if first and ending == EXIT_CONFIGURATION:
                self._stopping.set()
                raise ConfigurationError(f"The {service.name} service could not start; its reason stands above.")
            if time.monotonic() - started > HEALTHY_SECONDS:
                pause = self._first_pause
            log.warning(f"{service.name} {_described(ending)}; starting it again in {pause:g} s")
            await wait(self._stopping, pause)
            first, pause = False, min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_once(self, service: ServiceProcess) -> int | OSError:
        """Runs the service to its end; returns its exit code, or why it could not even be started."""
        try:
            await service.start()
        except OSError as error:
            return error
        if self._stopping.is_set():
            await service.stop()
        return await service.wait()


def _described(ending: int | OSError) -> str:
    return f"could not be started ({ending.strerror})" if isinstance(ending, OSError) else describe_exit(ending)
