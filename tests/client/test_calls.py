"""What surrounds every call of the clients: keys, deadlines, retries, errors, pages."""

import time
from collections.abc import Callable

import grpc
import pytest

from customvision.client import AsyncClient, Client, ClientSettings, CustomVisionError
from customvision.client.interceptors import Target
from customvision.client.operations.patience import Contact
from customvision.common.authentication import KeyRing
from customvision.common.errors import FailedPrecondition
from customvision.common.keys import Keys
from customvision.common.server import TRAINING_KEY_ONLY, Server, ServiceDefinition
from customvision.v1 import prediction_service_pb2 as prediction
from customvision.v1 import projects_pb2
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]
PROJECT = "22222222-2222-4222-8222-222222222222"


def project_named(call: ScriptedCall) -> projects_pb2.Project:
    """Answers with the project that was asked for."""
    return projects_pb2.Project(project_id=call.request.project_id, name="flowers")


def test_calls_carry_key_and_deadline(make_settings: MakeSettings) -> None:
    """A single call carries the training key and ends within half a minute."""
    with ScriptedServer({"GetProject": project_named}) as server, Client(make_settings(server.address)) as client:
        client.project.GetProject(projects_pb2.GetProjectRequest(project_id=PROJECT))
        call = server.calls["GetProject"][0]
    assert ("training-key", "t" * 64) in call.context.invocation_metadata()
    assert 0 < call.context.time_remaining() <= 31


async def test_async_calls_carry_key_and_deadline(make_settings: MakeSettings) -> None:
    """The asynchronous client sends the prediction key where it has no other."""
    with ScriptedServer({"GetProject": project_named}) as server:
        async with AsyncClient(make_settings(server.address, training_key="")) as client:
            await client.project.GetProject(projects_pb2.GetProjectRequest(project_id=PROJECT))
        call = server.calls["GetProject"][0]
    assert ("prediction-key", "p" * 64) in call.context.invocation_metadata()
    assert 0 < call.context.time_remaining() <= 31


def test_calls_are_tried_again(make_settings: MakeSettings) -> None:
    """A call survives a service that is away for a moment."""

    def recover(call: ScriptedCall) -> projects_pb2.Project:
        if call.number < 4:
            call.fail(grpc.StatusCode.UNAVAILABLE)
        return project_named(call)

    with ScriptedServer({"GetProject": recover}) as server, Client(make_settings(server.address)) as client:
        assert client.find_project(PROJECT).name == "flowers"
        assert len(server.calls["GetProject"]) == 4


def test_other_failures_are_not_tried_again(make_settings: MakeSettings) -> None:
    """A failure that is no absence reaches the caller after one call."""

    def refuse(call: ScriptedCall) -> None:
        call.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")

    with ScriptedServer({"GetProject": refuse}) as server, Client(make_settings(server.address)) as client:
        with pytest.raises(CustomVisionError, match="full") as failure:
            client.find_project(PROJECT)
        assert len(server.calls["GetProject"]) == 1
    assert failure.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


def away_for(calls: int) -> Callable[[ScriptedCall], projects_pb2.Project]:
    """Answers the first call, and those after so many that it does not."""

    def answer(call: ScriptedCall) -> projects_pb2.Project:
        if 1 < call.number <= 1 + calls:
            call.fail(grpc.StatusCode.UNAVAILABLE)
        return project_named(call)

    return answer


async def test_a_patient_client_waits_for_a_service_that_went_away(make_settings: MakeSettings) -> None:
    """Once the suite has answered, a call outlasts a service that is away for longer than a moment."""
    with ScriptedServer({"GetProject": away_for(6)}) as server:
        with Client(make_settings(server.address), patience_seconds=10) as client:
            assert [client.find_project(PROJECT).name for _ in range(2)] == ["flowers"] * 2
        assert len(server.calls["GetProject"]) == 8
    with ScriptedServer({"GetProject": away_for(6)}) as server:
        async with AsyncClient(make_settings(server.address), patience_seconds=10) as awaited:
            assert [(await awaited.find_project(PROJECT)).name for _ in range(2)] == ["flowers"] * 2
        assert len(server.calls["GetProject"]) == 8


def test_a_suite_that_never_answered_is_told_at_once(make_settings: MakeSettings) -> None:
    """Patience is for services that went away, not for a suite that nobody started."""
    began = time.monotonic()
    with (
        Client(make_settings("127.0.0.1:9"), patience_seconds=60) as client,
        pytest.raises(CustomVisionError, match="Start the suite"),
    ):
        client.find_project(PROJECT)
    assert time.monotonic() - began < 30


def test_keys_stay_out_of_representations(make_settings: MakeSettings) -> None:
    """What is printed of settings and of a channel's target shows no key."""
    settings = make_settings()
    target = Target("project", settings.project_address, settings.credentials(), Contact(0))
    assert "tttt" not in f"{settings!r} {target!r}"
    assert "pppp" not in f"{settings!r} {target!r}"


class TooFewImages(FailedPrecondition):
    """A cause as services define them."""

    reason = "TOO_FEW_IMAGES"


async def refuse_for_too_few(request: object, context: object) -> projects_pb2.Project:  # noqa: ARG001
    """Raises TooFewImages, as a servicer would."""
    raise TooFewImages("Tag 'dahlia' has 3 images; training needs 5.", metadata={"tag": "dahlia 🌼"})


async def test_errors_keep_their_reason(keys: Keys, make_settings: MakeSettings) -> None:
    """The reason, message and metadata of a service's error arrive whole in both clients."""

    name = "customvision.v1.ProjectService"

    def register(server: grpc.aio.Server) -> None:
        handler = grpc.unary_unary_rpc_method_handler(
            refuse_for_too_few, projects_pb2.GetProjectRequest.FromString, projects_pb2.Project.SerializeToString
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"GetProject": handler}),))

    server = Server(
        ServiceDefinition("project", name, register, TRAINING_KEY_ONLY, lambda: None), "127.0.0.1:0", KeyRing(keys)
    )
    address = await server.start()
    try:
        async with AsyncClient(make_settings(address)) as client:
            with pytest.raises(CustomVisionError) as failure:
                await client.find_project(PROJECT)
        assert failure.value.reason == "TOO_FEW_IMAGES"
        assert failure.value.message == "Tag 'dahlia' has 3 images; training needs 5."
        assert failure.value.metadata == {"tag": "dahlia 🌼"}
        assert failure.value.code is grpc.StatusCode.FAILED_PRECONDITION
        async with AsyncClient(make_settings(address, training_key="wrong")) as client:
            with pytest.raises(CustomVisionError) as failure:
                await client.find_project(PROJECT)
        assert failure.value.reason == "KEY_WRONG"
    finally:
        await server.stop()


def test_unreachable_service_is_named(make_settings: MakeSettings) -> None:
    """A call that nobody answers says where it was sent and how to start the suite."""
    with Client(make_settings("127.0.0.1:9")) as client, pytest.raises(CustomVisionError) as failure:
        client.project.GetProject(projects_pb2.GetProjectRequest(project_id=PROJECT))
    assert failure.value.reason == "SERVICE_UNREACHABLE"
    assert failure.value.message.startswith("Nothing answers at 127.0.0.1:9. Start the suite")
    assert "CUSTOMVISION_PROJECT_ADDRESS" in failure.value.message


def test_lists_are_read_to_their_end(make_settings: MakeSettings) -> None:
    """A list asks for page after page with the same filter, and only for as many as are read."""

    def three_pages(call: ScriptedCall) -> projects_pb2.ListProjectsResponse:
        page = int(call.request.page_token or 0)
        names = [projects_pb2.Project(name=f"{call.request.name} {page}.{index}") for index in range(2)]
        return projects_pb2.ListProjectsResponse(projects=names, next_page_token=str(page + 1) if page < 2 else "")

    with ScriptedServer({"ListProjects": three_pages}) as server, Client(make_settings(server.address)) as client:
        assert [project.name for project in client.list_projects("f")] == [
            "f 0.0", "f 0.1", "f 1.0", "f 1.1", "f 2.0", "f 2.1",
        ]  # fmt: skip
        next(iter(client.list_projects("f")))
        assert len(server.calls["ListProjects"]) == 4


@pytest.mark.parametrize(
    ("names", "reason"), [([], "PROJECT_NOT_FOUND"), (["flowers", "flowers"], "PROJECT_NAME_AMBIGUOUS")]
)
def test_projects_are_found_by_name(make_settings: MakeSettings, names: list[str], reason: str) -> None:
    """A name that no project or several projects have is told apart, the latter with the ids."""

    def same_name(call: ScriptedCall) -> projects_pb2.ListProjectsResponse:
        assert call.request.name == "flowers"
        found = [projects_pb2.Project(name=name, project_id=f"id {index}") for index, name in enumerate(names)]
        return projects_pb2.ListProjectsResponse(projects=found)

    with (
        ScriptedServer({"ListProjects": same_name}) as server,
        Client(make_settings(server.address)) as client,
        pytest.raises(CustomVisionError) as failure,
    ):
        client.find_project("flowers")
    assert failure.value.reason == reason
    assert all(f"id {index}" in failure.value.message for index in range(len(names)))


def serving(*states: tuple[str, "prediction.ModelState.ValueType"]) -> Callable[..., prediction.ListModelsResponse]:
    """Answers call after call that iteration "new" is published, what answers now, and its state."""

    def answer(call: ScriptedCall) -> prediction.ListModelsResponse:
        iteration_id, state = states[min(call.number, len(states)) - 1]
        model = prediction.ServedModel(
            publish_name="production",
            iteration_id="new",
            serving_iteration_id=iteration_id,
            state=state,
            failure_reason="its bytes are damaged",
        )
        return prediction.ListModelsResponse(models=[model])

    return answer


def test_wait_until_served_waits_for_the_iteration(make_settings: MakeSettings) -> None:
    """Waiting ends when the new iteration answers, not while the old one still does."""
    old = ("old", prediction.MODEL_STATE_LOADING)
    models = serving(("", prediction.MODEL_STATE_LOADING), old, old, ("new", prediction.MODEL_STATE_AVAILABLE))
    with ScriptedServer({"ListModels": models}) as server, Client(make_settings(server.address)) as client:
        client.wait_until_served(PROJECT, "production", "new")
        assert len(server.calls["ListModels"]) == 4


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (prediction.MODEL_STATE_FAILED, "MODEL_NOT_LOADED"),
        (prediction.MODEL_STATE_LOADING, "MODEL_NOT_SERVED_IN_TIME"),
    ],
)
def test_wait_until_served_ends_in_an_error(
    make_settings: MakeSettings, state: "prediction.ModelState.ValueType", reason: str
) -> None:
    """Waiting for a model that cannot be loaded, or is not in time, ends with the reason."""
    with (
        ScriptedServer({"ListModels": serving(("old", state))}) as server,
        Client(make_settings(server.address)) as client,
        pytest.raises(CustomVisionError) as failure,
    ):
        client.wait_until_served(PROJECT, "production", "new", timeout_seconds=0.3)
    assert failure.value.reason == reason
