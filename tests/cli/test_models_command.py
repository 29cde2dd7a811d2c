"""`models --watch`, from a terminal of its own."""

import json
import signal
import threading
from collections.abc import Iterator

import pytest

from command_line import CommandLine
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1 import projects_pb2
from scripted_server import ScriptedCall, ScriptedServer

Event = messages.ModelEvent


def watch(call: ScriptedCall) -> Iterator[Event]:
    """Tells that a model is there, failed and went, and then nothing."""
    left = threading.Event()
    call.context.add_callback(left.set)
    model = messages.ServedModel(
        project_id="1", publish_name="live", iteration_id="i", state=messages.MODEL_STATE_LOADING
    )
    yield Event(model=model)
    yield Event(synchronized=messages.ModelsSynchronized())
    model.state, model.failure_reason = messages.MODEL_STATE_FAILED, "It is \x1b[31mrotten."
    yield Event(model=model)
    yield Event(removed=messages.RemovedModel(project_id="1", publish_name="live"))
    left.wait(30)


def projects(_: ScriptedCall) -> projects_pb2.ListProjectsResponse:
    """Has one project."""
    return projects_pb2.ListProjectsResponse(projects=[projects_pb2.Project(project_id="1", name="flowers")])


@pytest.mark.parametrize("as_json", [False, True])
def test_each_change_is_a_line_until_ctrl_c(command_line: CommandLine, as_json: bool) -> None:
    """Models are told as they change, for people and for programs; Ctrl-C ends it with exit code 130."""
    with ScriptedServer({"WatchModels": watch, "ListProjects": projects}) as server:
        command_line.connect(project=server.address, prediction=server.address)
        process = command_line.start("models", "--watch", *(["--json"] if as_json else []))
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4 if as_json else 3)]
        process.send_signal(signal.SIGINT)
        output, notes = process.communicate(timeout=20)
    assert (process.returncode, output) == (130, "")
    assert "Traceback" not in notes
    if as_json:
        kinds = [next(iter(json.loads(line))) for line in lines]
        assert kinds == ["model", "synchronized", "model", "removed"]
        assert json.loads(lines[2])["model"]["state"] == "MODEL_STATE_FAILED"
    else:
        assert [line.split()[0] for line in lines] == ["flowers/live"] * 3
        assert "loading" in lines[0]
        assert r"failed, answered by nothing: It is \x1b[31mrotten." in lines[1]
        assert "published no more" in lines[2]
