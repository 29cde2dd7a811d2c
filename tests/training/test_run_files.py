"""Files of runs: checkpoints stay as long as a run is open, scratch as long as its process. Processes are scripted."""

import asyncio
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from customvision.common.channel import open_channel
from customvision.common.keys import Keys, load_or_create_keys
from customvision.common.settings import Settings
from customvision.v1 import training_service_pb2
from customvision.v1.training_service_pb2_grpc import TrainingServiceStub
from scripted_server import ScriptedServer
from scripted_training import SUCCEEDS, WAITS, IterationKeeper, ScriptChild, ScriptedTraining, scripted_training
from training_process import training_process
from training_suite import SOON_SECONDS, TrainingSuite, reasons_of

SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED
FITTING = training_service_pb2.TRAINING_PHASE_FITTING_HEAD
PHASES = ("reading_data_set", "embedding_images", "fitting_head", "fine_tuning", "evaluating", "saving")
SERVICE = """
import runpy
from customvision.training.runs import attempt
attempt.MODULE = "scripted_computation"
runpy.run_module("customvision.training", run_name="__main__")
"""
RESUMES = """
    if not checkpoints.exists():
        checkpoints.mkdir(parents=True)
        (checkpoints / "epoch-1").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    reports.send("warned", message="found " + ", ".join(path.name for path in checkpoints.iterdir()))
    succeed(reports)
"""
WRITES_BY_THE_WAY = """
    import tempfile
    checkpoints.mkdir(parents=True)
    tempfile.mkdtemp()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    progress(reports, phase="PHASE")
    time.sleep(600)
"""


def scratch_of(suite: ScriptedTraining) -> list[Path]:
    """Returns what runs' processes have written by the way."""
    return list((suite.settings.home / "training").glob(".tmp-*"))


async def gone(path: Path) -> None:
    """Waits until a file or folder is no longer there."""
    async with asyncio.timeout(10):
        while path.exists():  # noqa: ASYNC240 - a look takes no time
            await asyncio.sleep(0.01)


async def test_killed_process_finds_its_checkpoints(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """The process after one that was killed finds what that left, and the end of the run removes it."""
    script_child(RESUMES)
    run_id = await scripted.start_advanced("project")
    events = await scripted.events(run_id)
    run = await scripted.run(run_id)
    assert (run.state, run.attempt) == (SUCCEEDED, 2)
    assert "found epoch-1" in [event.warning for event in events]
    await gone(scripted.checkpoints / run_id)
    assert scratch_of(scripted) == []


async def test_service_that_comes_back_keeps_open_runs_only(
    scripted: ScriptedTraining, script_child: ScriptChild
) -> None:
    """After a restart the run finds its checkpoints; those of runs that nobody knows, and scratch, are gone."""
    script_child(WAITS)
    run_id = await scripted.start_advanced("project")
    await scripted.reached(run_id, FITTING)
    await scripted.stop_training()
    unknown = scripted.checkpoints / "unknown"
    scratch = scripted.settings.home / "training" / ".tmp-run-unknown"
    for leftover in (unknown, scratch):
        leftover.mkdir()
        (leftover / "file").touch()
    script_child(RESUMES)
    await scripted.start_training()
    events = await scripted.events(run_id)
    assert not unknown.exists()
    assert not scratch.exists()
    assert "found epoch-1" in [event.warning for event in events]
    assert reasons_of(events) == ["The training service was interrupted; the run goes on."]


@pytest.mark.parametrize("phase", PHASES)
async def test_cancel_cleans_up_in_any_phase(scripted: ScriptedTraining, script_child: ScriptChild, phase: str) -> None:
    """Soon the run is cancelled, its process gone though it does not listen, and its files with it."""
    script_child(WRITES_BY_THE_WAY.replace("PHASE", phase))
    run_id = await scripted.start_advanced("project")
    await scripted.reached(run_id, training_service_pb2.TrainingPhase.Value(f"TRAINING_PHASE_{phase.upper()}"))
    assert scratch_of(scripted)
    begun = time.monotonic()
    await scripted.cancel(run_id)
    run = await scripted.finished(run_id)
    assert time.monotonic() - begun < SOON_SECONDS
    assert run.state == training_service_pb2.TRAINING_STATE_CANCELLED
    await gone(scripted.checkpoints / run_id)
    assert scratch_of(scripted) == []


async def test_failed_run_leaves_nothing(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """A run that ends on an error has no files either."""
    script_child("    checkpoints.mkdir(parents=True); raise RuntimeError('on purpose')")
    run = await scripted.finished(await scripted.start_advanced("project"))
    assert run.failure_reason == ("The training process stopped on an error; the training service's log says more.")
    await gone(scripted.checkpoints / run.training_run_id)
    assert scratch_of(scripted) == []


async def test_killed_service_finds_its_checkpoints(
    prepared_settings: Settings, script_child: ScriptChild, tmp_path: Path
) -> None:
    """After kill -9 of the service, the run's process ends by itself, and the next one finds what it left."""
    (tmp_path / "modules" / "scripted_service.py").write_text(SERVICE)
    keys, _ = load_or_create_keys(prepared_settings.home)
    with ScriptedServer(IterationKeeper().scripts) as server:
        suite = TrainingSuite(replace(prepared_settings, project_address=server.address), keys)
        script_child(WAITS)
        async with training_process(suite.settings, "scripted_service") as process:
            address = await process.start()
            async with open_channel(address, keys) as channel:
                suite.training = TrainingServiceStub(channel)
                run_id = await suite.start_advanced("project")
                await suite.reached(run_id, FITTING)
                await process.end(signal.SIGKILL)
        script_child(RESUMES)
        async with training_process(replace(suite.settings, training_address=address), "scripted_service") as process:
            await process.start()
            async with open_channel(address, keys) as channel:
                suite.training = TrainingServiceStub(channel)
                events = await suite.events(run_id)
            assert await process.end(signal.SIGTERM) == 0
    assert "found epoch-1" in [event.warning for event in events]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[-1].state == SUCCEEDED


async def test_cancel_while_the_backbone_is_prepared(settings: Settings, keys: Keys) -> None:
    """A run that waits for the backbone ends as soon as one that computes; the backbone goes on being prepared."""
    async with scripted_training(settings, keys) as suite:
        run_id = await suite.start_advanced("project")
        await suite.reached(run_id, training_service_pb2.TRAINING_PHASE_PREPARING_BACKBONE)
        begun = time.monotonic()
        await suite.cancel(run_id)
        run = await suite.finished(run_id)
        assert time.monotonic() - begun < SOON_SECONDS
        assert run.state == training_service_pb2.TRAINING_STATE_CANCELLED


async def test_cancel_while_the_model_cannot_be_handed_over(
    scripted: ScriptedTraining, script_child: ScriptChild
) -> None:
    """A run whose model waits for a project service that is away is cancelled without waiting along."""
    script_child(SUCCEEDS)
    scripted.keeper.takes_models = False
    run_id = await scripted.start("project")
    async with asyncio.timeout(30):
        while not scripted.server.calls["CompleteIteration"]:
            await asyncio.sleep(0.01)
    begun = time.monotonic()
    await scripted.cancel(run_id)
    run = await scripted.finished(run_id)
    assert time.monotonic() - begun < SOON_SECONDS
    assert run.state == training_service_pb2.TRAINING_STATE_CANCELLED


async def test_model_waits_for_a_project_service_that_is_away(
    scripted: ScriptedTraining, script_child: ScriptChild
) -> None:
    """Once it is back, it gets the model."""
    script_child(SUCCEEDS)
    scripted.keeper.takes_models = False
    run_id = await scripted.start("project")
    async with asyncio.timeout(30):
        while not scripted.server.calls["CompleteIteration"]:
            await asyncio.sleep(0.01)
    scripted.keeper.takes_models = True
    assert (await scripted.finished(run_id)).state == SUCCEEDED
    assert len(scripted.keeper.completed) == 1
