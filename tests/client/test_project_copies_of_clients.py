"""Copying a project through the clients."""

import uuid
from collections.abc import Callable

import pytest

from customvision.client import AsyncClient, Client, ClientSettings, CustomVisionError
from customvision.v1 import iterations_pb2, projects_pb2
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]
IMPORTING, SUCCEEDED = projects_pb2.PROJECT_STATUS_IMPORTING, projects_pb2.PROJECT_STATUS_SUCCEEDED
EXPORT = projects_pb2.ProjectExport(token="t", image_count=3)


def statuses(*answers: projects_pb2.ProjectStatus.ValueType) -> Callable[[ScriptedCall], projects_pb2.Project]:
    """Answers a copy with these statuses, one a call, the last one for ever."""
    left = list(answers)

    def answer(_: ScriptedCall) -> projects_pb2.Project:
        status = left.pop(0) if len(left) > 1 else left[0]
        return projects_pb2.Project(project_id="copy", name="flowers (1)", status=status)

    return answer


def test_a_copy_is_begun_once_and_waited_for(make_settings: MakeSettings) -> None:
    """Token and name travel under a request id; the wait ends when the project service says that it is whole."""
    scripts = {
        "ExportProject": lambda _: EXPORT,
        "ImportProject": statuses(IMPORTING),
        "GetProject": statuses(IMPORTING, IMPORTING, SUCCEEDED),
    }
    with ScriptedServer(scripts) as server, Client(make_settings(server.address)) as client:
        export = client.export_project("source")
        begun = client.import_project(export.token, "other")
        copy = client.wait_until_imported(begun.project_id)
        (exported,), (imported,) = [server.calls[name] for name in ("ExportProject", "ImportProject")]
    assert (begun.status, copy.status) == (IMPORTING, SUCCEEDED)
    assert exported.request.project_id == "source"
    assert (imported.request.token, imported.request.name) == ("t", "other")
    assert str(uuid.UUID(imported.request.request_id)) == imported.request.request_id


async def test_a_copy_that_ends_early_or_takes_too_long_says_so(make_settings: MakeSettings) -> None:
    """FAILED and a deadline are errors with reasons that name the copy."""
    scripts = {"GetProject": statuses(IMPORTING, projects_pb2.PROJECT_STATUS_FAILED)}
    with ScriptedServer(scripts) as server:
        async with AsyncClient(make_settings(server.address)) as client:
            with pytest.raises(CustomVisionError, match=r"flowers \(1\)") as late:
                await client.wait_until_imported("copy", timeout_seconds=0)
            with pytest.raises(CustomVisionError, match=r"flowers \(1\)") as failed:
                await client.wait_until_imported("copy")
    assert (late.value.reason, failed.value.reason) == ("PROJECT_NOT_IMPORTED_IN_TIME", "PROJECT_IMPORT_FAILED")


async def test_what_goes_with_a_publication_travels(make_settings: MakeSettings) -> None:
    """The publish target is sent with the name."""
    with ScriptedServer({"PublishIteration": lambda _: iterations_pb2.Iteration()}) as server:
        async with AsyncClient(make_settings(server.address)) as client:
            await client.publish("p", "i", "live", publish_target="/subscriptions/x")
        (call,) = server.calls["PublishIteration"]
    assert (call.request.publish_name, call.request.publish_target) == ("live", "/subscriptions/x")
