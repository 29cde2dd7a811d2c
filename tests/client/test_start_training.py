"""Starting a training through the clients."""

from collections.abc import Callable

from customvision.client import AsyncClient, Client, ClientSettings
from customvision.v1 import iterations_pb2
from customvision.v1 import training_service_pb2 as training
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]
RUN = "11111111-1111-4111-8111-111111111111"


def started(_: ScriptedCall) -> training.TrainingRun:
    """Answers a run."""
    return training.TrainingRun(training_run_id=RUN)


def test_advanced_training_is_asked_for(make_settings: MakeSettings) -> None:
    """Everything that can be said of an advanced training travels, under a request id of its own."""
    with ScriptedServer({"StartTraining": started}) as server, Client(make_settings(server.address)) as client:
        for _ in range(2):
            run = client.start_training(
                "p",
                advanced=True,
                budget_seconds=90.5,
                selected_tag_ids=["a"],
                base_iteration_id="i",
                base_project_id="q",
                force=True,
            )
        assert run.training_run_id == RUN
        first, second = [call.request for call in server.calls["StartTraining"]]
    assert first.training_type == iterations_pb2.TRAINING_TYPE_ADVANCED
    assert (first.training_budget.seconds, first.training_budget.nanos) == (90, 500_000_000)
    assert (list(first.selected_tag_ids), first.base_iteration_id, first.force) == (["a"], "i", True)
    assert first.base_project_id == "q"
    assert first.request_id != second.request_id


async def test_quick_training_is_the_default(make_settings: MakeSettings) -> None:
    """Without more, a quick training of all tags is started."""
    with ScriptedServer({"StartTraining": started}) as server:
        async with AsyncClient(make_settings(server.address)) as client:
            await client.start_training("p")
        (request,) = [call.request for call in server.calls["StartTraining"]]
    assert request.training_type == iterations_pb2.TRAINING_TYPE_QUICK
    assert not request.HasField("training_budget")
    assert (list(request.selected_tag_ids), request.base_iteration_id, request.force) == ([], "", False)
