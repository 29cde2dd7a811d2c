"""`train` through services that go away."""

from pathlib import Path
from typing import Any

import grpc

from command_line import CommandLine
from scripted_server import ScriptedCall, ScriptedServer
from scripted_story import SCRIPTS, Script
from suite_process import write_folder

# More than gRPC repeats by itself.
CALLS_AWAY = 5


def away_first(script: Script) -> Script:
    """Returns ``script`` for a service that is away for its first calls."""

    def answer(call: ScriptedCall) -> Any:
        if call.number <= CALLS_AWAY:
            call.fail(grpc.StatusCode.UNAVAILABLE)
        return script(call)

    return answer


def test_train_outlasts_services_that_are_away(command_line: CommandLine, tmp_path: Path) -> None:
    """From the first answer on, each chapter waits for the service that it needs, and nothing is done twice."""
    chapters = ("CreateProject", "CreateTag", "StartTraining", "GetIteration", "PublishIteration", "GetPerformance")
    scripts = {name: away_first(script) if name in chapters else script for name, script in SCRIPTS.items()}
    folder = write_folder(tmp_path / "flowers", {"roses": [b"rose"], "tulips": [b"tulip"]})
    with ScriptedServer(scripts) as server:
        command_line.connect(project=server.address, training=server.address, prediction=server.address)
        output, notes = command_line.run("train", folder)
        made = [call.request for call in server.calls["CreateProject"]]
    assert "Created project 'flowers'" in notes
    assert "predict" in output
    assert len(made) == CALLS_AWAY + 1
    assert len({request.request_id for request in made}) == 1
