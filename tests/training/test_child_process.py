"""Child processes."""

import asyncio
import os
import signal
import sys
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from customvision.training.children.child_process import ChildCrashed, ChildKilled, reports_of

PROGRAM = """
import os, subprocess, sys, time
from customvision.training.children.child import run_child

def work(request, reports):
    print("a library talks to standard output", flush=True)
    reports.send("ready", pid=os.getpid(), request=request)
    if request["then"] == "crash":
        raise RuntimeError("on purpose")
    if request["then"] == "family":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        reports.send("family", pid=child.pid)
    if request["then"] in ("wait", "family"):
        time.sleep(600)
    reports.send("done")

if __name__ == "__main__":
    run_child(work)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that a child can run."""
    (tmp_path / "child_of_test.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "child_of_test"


async def test_reports_come_in_order_and_prints_do_not_mix(module: str) -> None:
    """A child gets its request, tells its reports, and what its libraries print disturbs none."""
    reports = [report async for report in reports_of(module, {"then": "end", "text": "ä\n\N{CHERRY BLOSSOM}"})]
    assert [report["kind"] for report in reports] == ["ready", "done"]
    assert reports[0]["request"]["text"] == "ä\n\N{CHERRY BLOSSOM}"


async def test_crash_brings_its_traceback(module: str) -> None:
    """A child that fails is told apart from one that is killed, and its log is kept."""
    with pytest.raises(ChildCrashed) as caught:
        async for _ in reports_of(module, {"then": "crash"}):
            pass
    assert "on purpose" in caught.value.log_tail


async def test_killed_child_names_its_signal(module: str) -> None:
    """A child that a signal ends is reported with the signal's number."""
    with pytest.raises(ChildKilled) as caught:
        async for report in reports_of(module, {"then": "wait"}):
            os.kill(report["pid"], signal.SIGKILL)
    assert caught.value.cause == "signal 9"


async def test_silent_child_is_killed(module: str) -> None:
    """A child that hangs is ended once it has told nothing for too long, and counts as killed."""
    pids: list[int] = []
    with pytest.raises(ChildKilled) as caught:
        async for report in reports_of(module, {"then": "wait"}, seconds_of_silence=3):
            pids.append(report["pid"])  # noqa: PERF401 - it ends in an error
    assert caught.value.cause == "silent for 3 seconds"
    assert pids
    assert not any(_runs(pid) for pid in pids)


async def test_files_of_the_current_folder_are_not_imported(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's file that bears the name of a library does not stand in for it."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "json.py").write_text("raise SystemExit('the wrong json')\n")
    monkeypatch.chdir(here)
    assert [report["kind"] async for report in reports_of(module, {"then": "end"})] == ["ready", "done"]


async def test_cancelled_child_is_gone_with_its_family(module: str) -> None:
    """Whoever stops listening leaves no process behind, within two seconds."""
    pids: list[int] = []

    async def listen() -> None:
        async with aclosing(reports_of(module, {"then": "family"})) as reports:
            async for report in reports:
                pids.append(report["pid"])
                listening.set()

    listening = asyncio.Event()
    task = asyncio.create_task(listen())
    while len(pids) < 2:
        await listening.wait()
        listening.clear()
    task.cancel()
    async with asyncio.timeout(20):
        with pytest.raises(asyncio.CancelledError):
            await task
        # A signal to the whole family is sent at once; a grandchild may take a moment to be gone.
        while any(_runs(pid) for pid in pids):
            await asyncio.sleep(0.01)


async def test_child_is_ended_though_its_end_is_cancelled(module: str) -> None:
    """Who cancels again while a child is being ended has to wait until it has ended."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def listen() -> None:
        async with aclosing(reports_of(module, {"then": "wait"})) as reports:
            async for report in reports:
                ready.set_result(report["pid"])

    listening = asyncio.create_task(listen())
    pid = await ready
    for _ in range(3):
        listening.cancel()
        # What is cancelled begins to end.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert not psutil.pid_exists(pid)


async def test_child_ends_when_its_parent_is_gone(module: str, tmp_path: Path) -> None:
    """A child whose parent is killed ends by itself."""
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import asyncio\n"
        "from customvision.training.children.child_process import reports_of\n"
        "async def main():\n"
        f"    async for report in reports_of('{module}', {{'then': 'wait'}}):\n"
        "        print(report['pid'], flush=True)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, str(parent), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    async with asyncio.timeout(10):
        while _runs(pid):
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
