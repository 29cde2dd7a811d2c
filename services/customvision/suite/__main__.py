"""Starts the whole suite on this machine."""

import asyncio
import os

from customvision.common.errors import ConfigurationError
from customvision.common.folder_lock import FolderLock
from customvision.common.keys import load_or_create_keys
from customvision.common.listening import bind
from customvision.common.program import run_program
from customvision.common.service_process import STOP_SECONDS, ServiceProcess
from customvision.common.settings import DEFAULT_ADDRESSES, DRAIN_SECONDS, METRICS_ADDRESS, Settings
from customvision.common.supervisor import Supervisor
from customvision.suite import messages
from customvision.suite.readiness import wait_until_ready

# In the order of starting; stopping goes the other way, so that nobody loses what it calls.
SERVICES = ("project", "training", "prediction", "gateway")


async def main(settings: Settings, stopping: asyncio.Event) -> None:
    """Starts every service, says when all serve, and stops them when told to."""
    _require_no_metrics_address(settings)
    lock = FolderLock(settings.folder("."), user="up")
    _require_free_addresses(settings)
    keys, keys_are_new = load_or_create_keys(settings.home, settings.keys_file)
    messages.say_starting(settings)
    supervisor = Supervisor(_services(settings), stopping)
    supervising = asyncio.create_task(supervisor.run())
    try:
        if await wait_until_ready(settings.http_address, stopping):
            messages.say_ready(settings, keys, keys_are_new=keys_are_new)
        await stopping.wait()
        messages.say_stopping()
    finally:
        stopping.set()
        await supervising
        lock.release()


def _services(settings: Settings) -> list[ServiceProcess]:
    # No balancer stands between the services of one machine: unless it is set, none waits for one to notice its end.
    environment = {DRAIN_SECONDS: os.environ.get(DRAIN_SECONDS) or "0"}
    stop_seconds = STOP_SECONDS + settings.drain_seconds
    return [ServiceProcess(name, environment=environment, stop_seconds=stop_seconds) for name in SERVICES]


def _require_free_addresses(settings: Settings) -> None:
    # Found out before anything starts, so that another suite's answer is never taken for ours.
    for setting in DEFAULT_ADDRESSES:
        bind(settings.address(setting), setting).close()


def _require_no_metrics_address(settings: Settings) -> None:
    # Four services cannot share one address, and the gateway tells the figures of all.
    if settings.metrics_address is not None:
        raise ConfigurationError(
            f"{METRICS_ADDRESS} is for services that run alone (`customvision serve`). Unset it: the whole suite tells "
            f"its figures at http://{settings.http_address}/metrics."
        )


if __name__ == "__main__":
    run_program("up", main)
