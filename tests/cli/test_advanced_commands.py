"""Advanced training from the command line, against scripted services."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import CommandLine
from customvision.v1 import iterations_pb2, projects_pb2, tags_pb2
from customvision.v1 import training_service_pb2 as training
from scripted_server import ScriptedCall, ScriptedServer
from scripted_story import SCRIPTS
from suite_process import write_folder
from told_events import RUN

ADVANCED = iterations_pb2.TRAINING_TYPE_ADVANCED
TAGS = [tags_pb2.Tag(tag_id="id-of-rose", name="rose"), tags_pb2.Tag(tag_id="id-of-tulip", name="tulip")]
EARLIER = iterations_pb2.Iteration(
    iteration_id="earlier", name="Iteration 1", number=1, status=iterations_pb2.ITERATION_STATUS_COMPLETED
)


def step(
    sequence: int, epoch: int, batch: int, held_out_loss: float | None = None, held_out_accuracy: float | None = None
) -> training.TrainingEvent:
    """Returns the event of a batch or, with held-out figures, of an epoch."""
    progress = training.FineTuningProgress(
        epoch=epoch,
        epochs=8,
        batch=batch,
        batches=5,
        loss=0.5,
        accuracy=0.75,
        learning_rate=3e-4,
        held_out_loss=held_out_loss,
        held_out_accuracy=held_out_accuracy,
    )
    progress.time_left.FromSeconds(400)
    return training.TrainingEvent(sequence=sequence, state=training.TRAINING_STATE_RUNNING, fine_tuning=progress)


def told(_: ScriptedCall) -> Iterator[training.TrainingEvent]:
    """Tells two epochs of fine-tuning, then the end."""
    yield step(1, 1, 1)
    yield step(2, 1, 5, held_out_loss=0.7, held_out_accuracy=0.625)
    yield step(3, 2, 5, held_out_loss=0.4, held_out_accuracy=0.875)
    yield training.TrainingEvent(
        sequence=4, state=training.TRAINING_STATE_SUCCEEDED, state_change=training.StateChange()
    )


def scripts(*, fine_tuned: bool = True) -> dict[str, Callable[[ScriptedCall], Any]]:
    """Returns a suite's answers about a project with two tags and an iteration."""
    made = iterations_pb2.Iteration(
        iteration_id="i", name="Iteration 2", training_type=ADVANCED, fine_tuned=fine_tuned, publish_name="production"
    )
    project = projects_pb2.Project(project_id="p", name="flowers")
    ready = training.GetBackboneResponse(backbone=iterations_pb2.Backbone(backbone_id="b"))
    return {
        **SCRIPTS,
        "ListProjects": lambda _: projects_pb2.ListProjectsResponse(projects=[project]),
        "ListTags": lambda _: tags_pb2.ListTagsResponse(tags=TAGS),
        "ListIterations": lambda _: iterations_pb2.ListIterationsResponse(iterations=[EARLIER]),
        "GetIteration": lambda _: made,
        "GetBackbone": lambda _: ready,
        "WatchTraining": told,
    }


def connected(command_line: CommandLine, server: ScriptedServer) -> None:
    """Points the command line at a server that is all services."""
    command_line.connect(project=server.address, training=server.address, prediction=server.address)


def test_folder_is_trained_within_a_budget(command_line: CommandLine, tmp_path: Path) -> None:
    """The budget travels, epochs are told a line each, and the report says that the fine-tuned network won."""
    folder = write_folder(tmp_path / "flowers", {"rose": [b"rose"], "tulip": [b"tulip"]})
    with ScriptedServer(scripts()) as server:
        connected(command_line, server)
        output, notes = command_line.run("train", folder, "--advanced", "--budget", "1m30s")
        (request,) = [call.request for call in server.calls["StartTraining"]]
    assert (request.training_type, request.training_budget.seconds, request.force) == (ADVANCED, 90, False)
    assert len(request.request_id) == 36
    learned, left = "loss 0.500 · accuracy 75.0%", "learning rate 0.0003 · about 7 min left"
    assert [line for line in notes.splitlines() if "held-out accuracy" in line] == [
        f"fine-tuning epoch 1/8: {learned} · held-out loss 0.700 · held-out accuracy 62.5% · {left}",
        f"fine-tuning epoch 2/8: {learned} · held-out loss 0.400 · held-out accuracy 87.5% · {left}",
    ]
    assert "The fine-tuned network is the model." in output


def test_quick_head_that_won_is_named(command_line: CommandLine, tmp_path: Path) -> None:
    """Where fine-tuning did no better, people and programs are told."""
    folder = write_folder(tmp_path / "flowers", {"rose": [b"rose"], "tulip": [b"tulip"]})
    with ScriptedServer(scripts(fine_tuned=False)) as server:
        connected(command_line, server)
        output, _ = command_line.run("train", folder, "--advanced")
        record = json.loads(command_line.run("train", folder, "--advanced", "--json")[0])
        requests = [call.request for call in server.calls["StartTraining"]]
    assert "The quick head is the model: fine-tuning did no better, or was not done." in output
    assert (record["training_type"], record["fine_tuned"]) == ("TRAINING_TYPE_ADVANCED", False)
    assert not any(request.HasField("training_budget") for request in requests)


def test_retrain_takes_tags_and_a_base(command_line: CommandLine) -> None:
    """Tags and iteration are named as their user knows them."""
    with ScriptedServer(scripts()) as server:
        connected(command_line, server)
        command_line.run(
            "retrain", "-p", "flowers", "--advanced", "--tag", "tulip", "--tag", "rose", "--base", "1", "--force"
        )
        (request,) = [call.request for call in server.calls["StartTraining"]]
        assert list(request.selected_tag_ids) == ["id-of-tulip", "id-of-rose"]
        assert (request.base_iteration_id, request.force) == ("earlier", True)
        command_line.run("retrain", "-p", "flowers", "--tag", "rose", "--tag", "tulip")
        quick = server.calls["StartTraining"][-1].request
        assert quick.training_type == iterations_pb2.TRAINING_TYPE_QUICK
        _, notes = command_line.run("retrain", "-p", "flowers", "--tag", "daisy", exit_code=1)
        assert "The project has no tag 'daisy'." in notes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "10m"], "--budget is for advanced training; add --advanced."),
        (["--base", "1"], "--base is for advanced training; add --advanced."),
        (["--advanced", "--budget", "ten"], "'ten' is no time such as 90s, 10m or 1h30m."),
        (["--advanced", "--budget", "10"], "'10' is no time"),
    ],
    ids=["budget alone", "base alone", "no time", "no unit"],
)
def test_options_that_do_not_fit_are_wrong_usage(command_line: CommandLine, arguments: list[str], words: str) -> None:
    """Wrong usage ends with 2 before anything is done."""
    command_line.make_keys()
    command_line.environment["COLUMNS"] = "200"
    _, notes = command_line.run("retrain", "-p", "flowers", *arguments, exit_code=2)
    assert words in notes


def test_runs_show_their_type(command_line: CommandLine) -> None:
    """The list of runs tells quick from advanced ones."""
    runs = [training.TrainingRun(training_run_id=RUN, training_type=ADVANCED)]
    with ScriptedServer(
        {"ListTrainingRuns": lambda _: training.ListTrainingRunsResponse(training_runs=runs)}
    ) as server:
        connected(command_line, server)
        assert "advanced" in command_line.run("runs")[0]
