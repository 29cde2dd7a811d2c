"""The supervisor with small real processes."""

import asyncio
import os
import re
import sys

import pytest
from structlog.testing import capture_logs

from customvision.common.errors import ConfigurationError
from customvision.common.service_process import ServiceProcess, describe_exit
from customvision.common.supervisor import Supervisor


def process(code: str) -> ServiceProcess:
    """Returns a service that runs this Python code."""
    return ServiceProcess("project", [sys.executable, "-c", code])


async def test_the_pause_between_starts_grows() -> None:
    """A service that keeps dying is started again after 10, 20, 40 … ms, each with a log line saying how it ended."""
    stopping = asyncio.Event()
    with capture_logs() as entries:
        supervisor = Supervisor([process("raise SystemExit(3)")], stopping, first_pause_seconds=0.01)
        running = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(20):
            while len(entries) < 4:
                await asyncio.sleep(0.01)
        stopping.set()
        await running
    said = [entry["event"] for entry in entries[:4]]
    assert all("project ended with code 3; starting it again in" in line for line in said)
    pauses = [float(match.group(1)) for line in said if (match := re.search(r"in ([\d.]+) s", line))]
    assert pauses == [0.01, 0.02, 0.04, 0.08]


async def test_a_service_that_cannot_start_as_it_is_set_up_ends_the_suite() -> None:
    """Exit code 78 at the first start stops everything and is not tried again."""
    stopping = asyncio.Event()
    healthy = process("import sys; sys.stdin.read()")
    with pytest.raises(ConfigurationError, match="project service could not start"):
        async with asyncio.timeout(20):
            await Supervisor([healthy, process("raise SystemExit(78)")], stopping).run()
    assert stopping.is_set()
    assert await healthy.wait() != 0


async def test_a_stop_during_a_pause_is_immediate() -> None:
    """Being told to stop while a service waits for its next start does not wait for that start."""
    stopping = asyncio.Event()
    with capture_logs() as entries:
        supervisor = Supervisor([process("raise SystemExit(1)")], stopping, first_pause_seconds=600)
        running = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(20):
            while not entries:
                await asyncio.sleep(0.01)
            stopping.set()
            await running


async def test_services_that_stop_together_do_not_wait_for_one_another() -> None:
    """Each of them is told to stop before the first has ended."""
    stopping = asyncio.Event()
    reading, writing = os.pipe()
    code = (
        "import os, signal, sys, time\n"
        "def tell(what): os.write(int(sys.argv[1]), what)\n"
        "signal.signal(signal.SIGTERM, lambda *_: (tell(b't'), time.sleep(0.3), tell(b'e'), sys.exit()))\n"
        "tell(b'r')\n"
        "signal.pause()"
    )
    services = [
        ServiceProcess(name, [sys.executable, "-c", code, str(writing)], descriptors=[writing]) for name in "ab"
    ]
    with os.fdopen(reading, "rb", buffering=0) as told:
        running = asyncio.create_task(Supervisor(services, stopping, together=True).run())
        ready = await asyncio.to_thread(told.read, 1) + await asyncio.to_thread(told.read, 1)
        stopping.set()
        await running
        os.close(writing)
        assert ready + told.read() + told.read() == b"rrttee"


async def test_a_service_is_asked_to_stop_once() -> None:
    """Whoever stops a service that is being stopped waits for the same end; the process is told once. Started again, it
    can be stopped again."""
    reading, writing = os.pipe()
    code = (
        "import os, signal, sys, time\n"
        "def tell(what): os.write(int(sys.argv[1]), what)\n"
        "signal.signal(signal.SIGTERM, lambda *_: (tell(b't'), time.sleep(0.3), sys.exit()))\n"
        "tell(b'r')\n"
        "signal.pause()"
    )
    service = ServiceProcess("a", [sys.executable, "-c", code, str(writing)], descriptors=[writing])
    with os.fdopen(reading, "rb", buffering=0) as told:
        for _ in range(2):
            await service.start()
            assert await asyncio.to_thread(told.read, 1) == b"r"
            stopped = asyncio.create_task(service.stop())
            assert await asyncio.to_thread(told.read, 1) == b"t"
            await service.stop()
            await stopped
            assert await service.wait() == 0
        os.close(writing)
        assert told.read() == b""


async def test_a_service_gets_the_environment_that_it_is_given() -> None:
    """What is set for a service stands beside what this process has, and is not set here."""
    code = "import os, sys; sys.exit(int(os.environ['GIVEN']) + ('PATH' in os.environ))"
    service = ServiceProcess("project", [sys.executable, "-c", code], environment={"GIVEN": "41"})
    await service.start()
    assert await service.wait() == 42
    assert "GIVEN" not in os.environ


def test_exits_are_described_in_words() -> None:
    """Exit codes and signals are told by name."""
    assert describe_exit(1) == "ended with code 1"
    assert describe_exit(-9) == "was killed by SIGKILL"
    assert describe_exit(-250) == "was killed by signal 250"


async def test_a_service_that_cannot_be_spawned_is_tried_again() -> None:
    """A spawn that the system refuses counts as a death: it is logged and tried again, and a stop still works."""
    stopping = asyncio.Event()
    with capture_logs() as entries:
        supervisor = Supervisor([ServiceProcess("project", ["/no/such/program"])], stopping, first_pause_seconds=0.01)
        running = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(20):
            while len(entries) < 2:
                await asyncio.sleep(0.01)
            stopping.set()
            await running
    assert "project could not be started (No such file or directory); starting it again" in entries[0]["event"]
