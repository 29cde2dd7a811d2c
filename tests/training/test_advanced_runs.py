"""Advanced runs: what their process is given, what it tells, and what becomes of it. The processes are scripted."""

import json

from customvision.v1 import iterations_pb2, training_service_pb2
from scripted_training import ScriptChild, ScriptedTraining

SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED
BASE = iterations_pb2.Iteration(
    status=iterations_pb2.ITERATION_STATUS_COMPLETED,
    artifacts=iterations_pb2.IterationArtifacts(
        model_sha256="a" * 64, backbone_sha256="b" * 64, backbone_weights_sha256="c" * 64
    ),
)
FINE_TUNES = """
    kept = {name: os.environ.get(name) for name in ("KERAS_BACKEND", "KERAS_HOME", "TF_CPP_MIN_LOG_LEVEL", "TMPDIR")}
    reports.send("warned", message=json.dumps({**job, "environment": kept}))
    step = {"epoch": 1, "epochs": 8, "batch": 2, "batches": 5, "loss": 0.5, "accuracy": 0.75, "learning_rate": 1e-4}
    reports.send("fine_tuning", **step, course="repeat", repeat=2, repeats=5)
    reports.send("fine_tuning", **{**step, "batch": 5}, held_out_loss=0.4, held_out_accuracy=0.875, seconds_left=12.5)
    succeed(reports, fine_tuned=True, backbone_id="own", architecture="own_224", backbone_sha256="3" * 64,
            backbone_weights_sha256="4" * 64)
"""


async def test_fine_tuning_is_told_and_handed_over(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """Batches and epochs arrive as they were reported, in the phase of fine-tuning; the iteration gets the network."""
    script_child(FINE_TUNES)
    run_id = await scripted.start_advanced("project")
    events = await scripted.events(run_id)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    batch, epoch = [event.fine_tuning for event in events if event.HasField("fine_tuning")]
    assert (batch.epoch, batch.epochs, batch.batch, batch.batches) == (1, 8, 2, 5)
    assert (batch.loss, batch.accuracy, batch.learning_rate) == (0.5, 0.75, 1e-4)
    assert not any(batch.HasField(name) for name in ("held_out_loss", "held_out_accuracy", "time_left"))
    repeat = training_service_pb2.FINE_TUNING_COURSE_REPEAT
    assert (batch.course, batch.repeat, batch.repeats) == (repeat, 2, 5)
    assert epoch.course == training_service_pb2.FINE_TUNING_COURSE_UNSPECIFIED
    assert (epoch.held_out_loss, epoch.held_out_accuracy) == (0.4, 0.875)
    assert epoch.time_left.ToTimedelta().total_seconds() == 12.5
    run = await scripted.run(run_id)
    assert (run.state, run.training_type) == (SUCCEEDED, iterations_pb2.TRAINING_TYPE_ADVANCED)
    (completed,) = scripted.keeper.completed
    assert completed.fine_tuned
    assert (completed.backbone.backbone_id, completed.backbone.architecture) == ("own", "own_224")
    assert completed.backbone.weights_sha256 == completed.artifacts.backbone_weights_sha256 == "4" * 64
    assert completed.artifacts.backbone_sha256 == "3" * 64


async def test_run_is_in_the_phase_of_fine_tuning(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """While it fine-tunes, the run says so."""
    script_child(FINE_TUNES.replace("succeed(reports", "time.sleep(600); succeed(reports"))
    run_id = await scripted.start_advanced("project")
    async for event in scripted.watch(run_id):
        if event.fine_tuning.HasField("held_out_loss"):
            break
    assert (await scripted.run(run_id)).phase == training_service_pb2.TRAINING_PHASE_FINE_TUNING
    await scripted.cancel(run_id)
    await scripted.events(run_id)


async def test_process_is_given_what_it_needs(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """Type, budget, base and folder of checkpoints reach the process, and TensorFlow's settings its environment; the
    project service hears what was asked for."""
    script_child(FINE_TUNES)
    scripted.keeper.iterations["base"] = BASE
    run_id = await scripted.start_advanced(
        "project", 120, selected_tag_ids=["x", "y", "x"], base_iteration_id="base", force=True
    )
    (warning,) = [e.warning for e in await scripted.events(run_id) if e.warning.startswith("{")]
    job = json.loads(warning)
    assert job["training_type"] == "advanced"
    assert 110 < job["budget_seconds"] <= 120
    digests = {"model_sha256": "a" * 64, "backbone_sha256": "b" * 64, "backbone_weights_sha256": "c" * 64}
    assert job["base"] == digests
    assert job["checkpoint_folder"] == str(scripted.checkpoints / run_id)
    environment = job["environment"]
    assert (environment["KERAS_BACKEND"], environment["TF_CPP_MIN_LOG_LEVEL"]) == ("tensorflow", "3")
    assert environment["KERAS_HOME"] == str(scripted.settings.home / "backbones" / "keras")
    assert environment["TMPDIR"].startswith(str(scripted.settings.home / "training"))
    (created,) = [call.request for call in scripted.server.calls["CreateIteration"]]
    assert created.training_type == iterations_pb2.TRAINING_TYPE_ADVANCED
    assert (created.training_budget.seconds, created.base_iteration_id, created.force) == (120, "base", True)
    run = await scripted.run(run_id)
    assert list(created.selected_tag_ids) == list(run.selected_tag_ids) == ["x", "y"]
    assert (run.training_budget.seconds, run.base_iteration_id) == (120, "base")


async def test_a_base_of_another_project_is_read_there(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """The project service hears whose iteration it is, and the run tells it; its own project is told as well."""
    script_child(FINE_TUNES)
    scripted.keeper.iterations["base"] = BASE
    for asked, told in (("other", "other"), ("", "project"), ("project", "project")):
        run_id = await scripted.start_advanced(
            "project", 120, base_iteration_id="base", base_project_id=asked, force=True
        )
        assert (await scripted.events(run_id))[-1].state == SUCCEEDED
        assert (await scripted.run(run_id)).base_project_id == told
        read = [call.request for call in scripted.server.calls["GetIteration"] if call.request.iteration_id == "base"]
        assert read[-1].project_id == told
    created = [call.request.base_project_id for call in scripted.server.calls["CreateIteration"]]
    assert created == ["other", "", ""]


async def test_quick_head_may_win(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """A result without a network of its own rests on the prepared backbone."""
    script_child("    succeed(reports)")
    await scripted.events(await scripted.start_advanced("project"))
    (completed,) = scripted.keeper.completed
    assert not completed.fine_tuned
    assert completed.backbone.architecture.startswith("mobilenet_v2")
    assert len(completed.artifacts.backbone_sha256) == 64


async def test_quick_run_is_left_as_it_was(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """A quick run has no budget and no base, and its process none of TensorFlow's settings."""
    script_child(FINE_TUNES)
    run_id = await scripted.start("project")
    (warning,) = [e.warning for e in await scripted.events(run_id) if e.warning.startswith("{")]
    job = json.loads(warning)
    assert (job["training_type"], job["base"], job["environment"]["KERAS_HOME"]) == ("quick", None, None)
    run = await scripted.run(run_id)
    assert run.training_type == iterations_pb2.TRAINING_TYPE_QUICK
    assert not run.HasField("training_budget")
