"""A training service whose project service and whose runs' processes a test scripts."""

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.runs import attempt
from customvision.v1 import iterations_pb2
from scripted_project import ScriptedProject
from scripted_server import ScriptedCall, ScriptedServer
from training_suite import TrainingSuite

# What every scripted process can use; its test adds the body of work(job, reports).
PROGRAM = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
from customvision.training.children.child import run_child

FIGURES = {"precision": 0.5, "recall": 0.5, "average_precision": 0.5, "accuracy": 0.5, "held_out_image_count": 4}
DIGESTS = {"model_sha256": "1" * 64, "evaluation_sha256": "2" * 64}

def succeed(reports, **more):
    reports.send("result", metrics=FIGURES, warnings=[], **DIGESTS, **more)

def progress(reports, phase="fitting_head", done=1, total=3):
    reports.send("progress", phase=phase, done=done, total=total, elapsed_seconds=0.1, seconds_left=None)

def work(job, reports):
    checkpoints = Path(job["checkpoint_folder"])
BODY

if __name__ == "__main__":
    run_child(work)
"""
# A process that is there until it is ended.
WAITS = """
    checkpoints.mkdir(parents=True, exist_ok=True)
    (checkpoints / "epoch-1").touch()
    progress(reports)
    time.sleep(600)
"""
SUCCEEDS = """
    succeed(reports)
"""

ScriptChild = Callable[[str], None]


class IterationKeeper(ScriptedProject):
    """Beside what it scripts anyway, it takes models and tells of iterations; ``completed`` has what it took.

    ``takes_models`` is False for one that is away just when a model is handed over.
    """

    def __init__(self) -> None:
        super().__init__()
        self.takes_models = True
        self.completed: list[iterations_pb2.CompleteIterationRequest] = []
        self.iterations: dict[str, iterations_pb2.Iteration] = {}

    @property
    def scripts(self) -> dict[str, Callable[[ScriptedCall], Any]]:
        """What it answers, by method."""
        others = super().scripts

        def find(call: ScriptedCall) -> Any:
            return self.iterations.get(call.request.iteration_id) or others["GetIteration"](call)

        return {**others, "CompleteIteration": self._complete, "GetIteration": find}

    def _complete(self, call: ScriptedCall) -> iterations_pb2.Iteration:
        if not self.takes_models:
            call.fail(grpc.StatusCode.UNAVAILABLE)
        self.completed.append(call.request)
        return iterations_pb2.Iteration()


class ScriptedTraining(TrainingSuite):
    """A training service on a scripted project service."""

    def __init__(self, settings: Settings, keys: Keys, project: IterationKeeper, server: ScriptedServer) -> None:
        super().__init__(settings, keys)
        self.keeper = project
        self.server = server
        self.checkpoints = settings.home / "training" / "checkpoints"


@asynccontextmanager
async def scripted_training(settings: Settings, keys: Keys) -> AsyncIterator[ScriptedTraining]:
    """Serves training on a scripted project service, until the block's end."""
    project = IterationKeeper()
    with ScriptedServer(project.scripts) as server:
        suite = ScriptedTraining(replace(settings, project_address=server.address), keys, project, server)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(suite.stop_training)
            await suite.start_training()
            yield suite


def script_child_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptChild:
    """Returns a function that makes a body of work(job, reports) what runs' processes do from then on."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))

    def script(body: str) -> None:
        (folder / "scripted_computation.py").write_text(PROGRAM.replace("BODY", body))
        monkeypatch.setattr(attempt, "MODULE", "scripted_computation")

    return script
