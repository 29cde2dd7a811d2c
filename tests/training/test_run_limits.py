"""Limits of time and memory. The processes of runs are scripted."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.children.process_memory import memory_is_measurable
from customvision.training.runs import run_limits
from customvision.v1 import training_service_pb2
from scripted_training import WAITS, ScriptChild, ScriptedTraining, scripted_training
from training_suite import reasons_of

MEBIBYTE = 1024 * 1024
FAILED = training_service_pb2.TRAINING_STATE_FAILED
SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED
TAKES_MEMORY = """
    reports.send("warned", message=str(os.getpid()))
    helper = subprocess.Popen([sys.executable, "-c", "x = bytearray(b'x') * (300 * 1024 * 1024); input()"],
                              stdin=subprocess.PIPE)
    reports.send("warned", message=str(helper.pid))
    time.sleep(600)
"""
USES_ITS_SHARE_AND_DIES = """
    reports.send("warned", message=json.dumps(job["budget_seconds"]))
    if not checkpoints.exists():
        checkpoints.mkdir(parents=True)
        progress(reports)
        time.sleep(1.5)
        os.kill(os.getpid(), signal.SIGKILL)
    succeed(reports)
"""


@pytest.fixture
def limits() -> dict[str, float]:
    """The settings that a test's service has."""
    return {}


@pytest.fixture
async def limited(prepared_settings: Settings, keys: Keys, limits: dict[str, float]) -> AsyncIterator[ScriptedTraining]:
    """A training service with limits."""
    async with scripted_training(replace(prepared_settings, **limits), keys) as suite:  # type: ignore[arg-type]
        yield suite


@pytest.mark.skipif(not memory_is_measurable(), reason="this system does not tell the memory of processes")
@pytest.mark.parametrize("limits", [{"training_memory_limit_bytes": 200 * MEBIBYTE}])
async def test_run_that_takes_too_much_memory_fails(limited: ScriptedTraining, script_child: ScriptChild) -> None:
    """Memory counts with all that the process started; the run ends at the first attempt, and names the setting."""
    script_child(TAKES_MEMORY)
    run_id = await limited.start("project")
    events = await limited.events(run_id)
    run = await limited.run(run_id)
    assert (run.state, run.attempt) == (FAILED, 1)
    assert run.failure_reason == (
        "The training needed more memory than the 200 MiB that CUSTOMVISION_TRAINING_MEMORY_LIMIT allows. "
        "Raise the limit, or train on fewer images or tags."
    )
    assert reasons_of(events) == [run.failure_reason]


@pytest.mark.parametrize("limits", [{"training_time_limit_seconds": 2.0}])
async def test_run_that_takes_too_long_fails(limited: ScriptedTraining, script_child: ScriptChild) -> None:
    """The limit of time ends a run at the first attempt, with a sentence that names the setting."""
    script_child(WAITS)
    run = await limited.finished(await limited.start("project"))
    assert (run.state, run.attempt) == (FAILED, 1)
    assert run.failure_reason == (
        "The training took longer than the 2 seconds that CUSTOMVISION_TRAINING_TIME_LIMIT allows. "
        "Raise the limit, or train on fewer images."
    )
    assert not (limited.checkpoints / run.training_run_id).exists()


async def test_budget_is_kept_from_outside_too(
    scripted: ScriptedTraining, script_child: ScriptChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that does not keep to its budget is ended after the grace, and the run says what was too short."""
    monkeypatch.setattr(run_limits, "GRACE_SECONDS", -58.0)
    script_child(WAITS)
    run = await scripted.finished(await scripted.start_advanced("project", 60))
    assert (run.state, run.attempt) == (FAILED, 1)
    assert run.failure_reason == (
        "The training did not end within its budget of 1 minute. Give it a longer training_budget, "
        "or choose quick training."
    )


async def test_killed_attempt_has_used_its_share(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """The budget covers all attempts: the second is given what the first has left of it, though it told nothing."""
    script_child(USES_ITS_SHARE_AND_DIES)
    run_id = await scripted.start_advanced("project", 60)
    first, second = [json.loads(e.warning) for e in await scripted.events(run_id) if e.warning[:1].isdigit()]
    assert (await scripted.run(run_id)).state == SUCCEEDED
    assert first == 60
    assert 50 < second < 58.5


async def test_result_counts_though_the_process_lingers(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """Once the result is told, the process is not waited for."""
    script_child("    succeed(reports); time.sleep(600)")
    run = await scripted.finished(await scripted.start("project"))
    assert run.state == SUCCEEDED
