"""`import-azure` as its user meets it: what it says, where the key comes from, Ctrl-C and going on."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from azure_double import KEY, UNKNOWN_DOMAIN, AzureDouble, StoredImage, StoredProject
from command_line import CommandLine
from customvision.common.authentication import KeyRing
from customvision.common.keys import Keys
from customvision.common.server import Server
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service
from pictures import photo


@pytest.fixture
def azure() -> Iterator[AzureDouble]:
    """A resource of Azure that serves a project of 40 images with two tags."""
    double = AzureDouble()
    project = StoredProject("flowers & trees", domain_id=UNKNOWN_DOMAIN)
    tags = [project.add_tag("rose"), project.add_tag("oak")]
    project.images = [StoredImage(photo(seed), [tags[seed % 2]]) for seed in range(40)]
    double.projects.append(project)
    with double.serving():
        yield double


@pytest.fixture
async def moving(settings: Settings, keys: Keys, command_line: CommandLine) -> AsyncIterator[CommandLine]:
    """A command line on a real project service, with the key of the Azure resource in its environment."""
    async with open_project_service(settings) as definition:
        server = Server(definition, "127.0.0.1:0", KeyRing(keys))
        command_line.connect(project=await server.start())
        command_line.environment["CUSTOMVISION_AZURE_KEY"] = KEY
        yield command_line
        await server.stop()


async def test_a_project_moves_in(moving: CommandLine, azure: AzureDouble) -> None:
    """It says what it made, counts the images, names those that were left out, and says how to train."""
    azure.projects[0].images.append(StoredImage(b"no image"))
    command = ("import-azure", "--endpoint", azure.endpoint, "--project", "flowers & trees")
    output, notes = await asyncio.to_thread(moving.run, *command)
    assert "Created project 'flowers & trees'; 2 new tags." in notes
    assert "no domain 'Faces'; General is used" in notes
    assert f"left out: {azure.projects[0].images[-1].id}: " in notes
    assert output.splitlines()[0] == "Images: 40 copied · 1 left out."
    assert "retrain --project 'flowers & trees'" in output
    assert KEY not in output + notes
    output, notes = await asyncio.to_thread(moving.run, *command, "--json")
    assert "Continuing project 'flowers & trees'; 0 new tags." in notes
    report = json.loads(output)
    assert (report["project_name"], report["copied"], report["already_there"]) == ("flowers & trees", 0, 40)
    assert [each["azure_id"] for each in report["left_out"]] == [azure.projects[0].images[-1].id]


async def test_stopped_it_goes_on(moving: CommandLine, azure: AzureDouble) -> None:
    """Ctrl-C ends it at once, though files are under way, with a sentence; the same command brings the rest."""
    azure.gives_files.clear()
    command = ("import-azure", "--endpoint", azure.endpoint, "--project", "flowers & trees", "--name", "here")
    process = moving.start(*command)
    while process.poll() is None and not azure.downloads():
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, notes = await asyncio.to_thread(process.communicate, timeout=10)
    assert process.returncode == 130
    assert output == ""
    assert "Stopped. no images. What was copied is kept; the same command continues from there." in notes
    azure.gives_files.set()
    output, _ = await asyncio.to_thread(moving.run, *command)
    assert output.splitlines()[0] == "Images: 40 copied."


async def test_what_is_wrong_is_one_sentence(moving: CommandLine, azure: AzureDouble) -> None:
    """A wrong or missing key, a wrong project and a wrong endpoint each end in one line that says what to do."""
    command = ["import-azure", "--endpoint", azure.endpoint, "--project", "flowers"]
    assert "no Azure project 'flowers' that this key opens" in await asyncio.to_thread(moving.fail, *command)
    assert "refuses the key" in await asyncio.to_thread(moving.fail, *command, "--key", "wrong")
    del moving.environment["CUSTOMVISION_AZURE_KEY"]
    assert "CUSTOMVISION_AZURE_KEY" in await asyncio.to_thread(moving.fail, *command)
    nobody = ["import-azure", "--endpoint", "http://127.0.0.1:9", "--project", "flowers", "--key", KEY]
    _, silence = await asyncio.to_thread(lambda: moving.run(*nobody, exit_code=1))
    assert silence.count("does not answer") == 3
    assert "trying again in 0.5 s" in silence
    both = ["--key", KEY, "--name", "a", "--into", "b"]
    assert "not both" in await asyncio.to_thread(moving.fail, *command, *both)
    command[2] = "name.cognitiveservices.azure.com"
    assert "is no endpoint" in await asyncio.to_thread(moving.fail, *command, "--key", KEY)
