"""Domains on the command line, and how iterations tell what they were trained with, on a real project service."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf import duration_pb2

from command_line import CommandLine
from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.server import Server
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service
from customvision.v1 import iterations_pb2, project_service_pb2_grpc, tags_pb2
from project_calls import Stub, complete, completion, freeze, make_trainable

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"


class Terminal:
    """Runs commands beside the event loop that serves them."""

    def __init__(self, command_line: CommandLine, stub: Stub) -> None:
        self.stub = stub
        self._command_line = command_line

    async def run(self, *arguments: str) -> str:
        """Returns what a command that succeeds writes, with single blanks."""
        output, _ = await asyncio.to_thread(self._command_line.run, *arguments)
        return "\n".join(" ".join(line.split()) for line in output.splitlines())

    async def json(self, *arguments: str) -> Any:
        """Returns what a command answers to programs."""
        return json.loads(await self.run(*arguments, "--json"))

    async def fail(self, *arguments: str) -> str:
        """Returns the one line of a command that fails."""
        return await asyncio.to_thread(self._command_line.fail, *arguments)


@pytest.fixture
async def terminal(command_line: CommandLine, settings: Settings, keys: Keys) -> AsyncIterator[Terminal]:
    """A terminal of an empty project service."""
    async with open_project_service(settings) as definition:
        server = Server(definition, "127.0.0.1:0", KeyRing(keys))
        address = await server.start()
        channel = open_channel(address, keys)
        command_line.connect(project=address)
        yield Terminal(command_line, project_service_pb2_grpc.ProjectServiceStub(channel))
        await channel.close()
        await server.stop()


async def test_domains_are_shown(terminal: Terminal) -> None:
    """The table tells name, network, size, time and use of each; programs get all fields."""
    table = await terminal.run("domains")
    assert "General (compact) mobilenet_v2_0.35_224 1.6 MB" in table
    assert "For phones and small boards" in table
    found = await terminal.json("domains")
    rows = [line for line in table.splitlines() if " mobilenet_" in line]
    assert [row.partition(" mobilenet_")[0] for row in rows] == [domain["name"] for domain in found]
    assert found[0]["name"] == "General"
    assert found[0]["latency"] > 0


async def test_a_project_gets_a_domain_by_name_or_id(terminal: Terminal) -> None:
    """At creation and later; lists and `show` tell the name; an unknown one is refused and changes nothing."""
    await terminal.run("projects", "create", "trees", "--domain", "general (COMPACT)")
    await terminal.run("projects", "create", "flowers")
    assert (await terminal.json("projects", "show", "trees"))["domain_id"] == COMPACT
    assert "domain General (compact)" in await terminal.run("projects", "show", "trees")
    listed = await terminal.run("projects", "list")
    assert "trees 0 0 multiclass General (compact) 20" in listed
    assert "flowers 0 0 multiclass General 20" in listed
    await terminal.run("projects", "update", "flowers", "--domain", COMPACT, "--description", "all of them")
    shown = await terminal.json("projects", "show", "flowers")
    assert (shown["domain_id"], shown["description"]) == (COMPACT, "all of them")
    await terminal.run("projects", "update", "flowers", "--domain", "General [A1]")
    assert "domain General [A1]" in await terminal.run("projects", "show", "flowers")
    assert "no domain 'Shrubs'" in await terminal.fail("projects", "update", "flowers", "--domain", "Shrubs")
    assert "no domain 'Shrubs'" in await terminal.fail("projects", "create", "more", "--domain", "Shrubs")
    assert len(await terminal.json("projects", "list")) == 2


async def test_an_update_without_a_change_is_wrong_usage(command_line: CommandLine) -> None:
    """Who says nothing to change is told what can be."""
    _, notes = await asyncio.to_thread(command_line.run, "projects", "update", "flowers", exit_code=2)
    assert "--domain" in notes


async def test_iterations_tell_how_they_were_trained(terminal: Terminal) -> None:
    """Type, budget, domain, selected tags and base stand in `show`, the essence in `list`."""
    stub = terminal.stub
    project_id, tag_ids = await make_trainable(stub)
    base = await complete(stub, await freeze(stub, project_id))
    iteration = await freeze(
        stub,
        project_id,
        training_type=iterations_pb2.TRAINING_TYPE_ADVANCED,
        training_budget=duration_pb2.Duration(seconds=90),
        selected_tag_ids=tag_ids,
        base_iteration_id=base.iteration_id,
    )
    await stub.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=tag_ids[1]))
    shown = await terminal.run("iterations", "show", "2", "-p", "garden")
    for line in (
        "training advanced",
        "budget 1.5 min",
        "domain General",
        f"selected tags dahlia, {tag_ids[1]}",
        "began with Iteration 1",
    ):
        assert line in shown.splitlines()
    listed = await terminal.run("iterations", "list", "-p", "garden")
    assert "Iteration 2 training advanced, 2 tags General 10" in listed
    assert "Iteration 1 completed quick General 10" in listed
    digests = [getattr(base.artifacts, name) for name in base.artifacts.DESCRIPTOR.fields_by_name]
    request = completion(iteration, digests)
    request.fine_tuned = True
    await stub.CompleteIteration(request)
    assert "advanced, fine-tuned, 2 tags" in await terminal.run("iterations", "list", "-p", "garden")
