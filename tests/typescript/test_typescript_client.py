"""The TypeScript client against a suite that plays a script and dies on cue."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from pictures import photo
from typescript import scripted_suite
from typescript.package import EXAMPLE, PROGRAMS, RunNode

SUITE = Path(scripted_suite.__file__)
ANY_PORT = ["127.0.0.1:0"] * 3
SECONDS = 60


@asynccontextmanager
async def suite(told: int, addresses: list[str]) -> AsyncIterator[list[str]]:
    """Runs the scripted suite and yields its addresses; afterwards it is killed as by a power cut."""
    arguments = [str(SUITE), str(told), *addresses]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), SECONDS))
    finally:
        process.kill()
        await process.communicate()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole_suite() -> AsyncIterator[list[str]]:
    """The addresses of a scripted suite that tells every event and outlives each test."""
    async with suite(scripted_suite.EVENT_COUNT, ANY_PORT) as addresses:
        yield addresses


def settings(addresses: list[str], *, home: Path, **changes: str) -> dict[str, str]:
    """Returns the environment of a program that uses the suite at ``addresses``."""
    names = ["CUSTOMVISION_PROJECT_ADDRESS", "CUSTOMVISION_TRAINING_ADDRESS", "CUSTOMVISION_PREDICTION_ADDRESS"]
    key = {"CUSTOMVISION_TRAINING_KEY": scripted_suite.KEYS.training_key}
    return dict(zip(names, addresses, strict=True)) | {"CUSTOMVISION_HOME": str(home)} | key | changes


async def read_until(stream: asyncio.StreamReader, start: str) -> list[str]:
    """Returns the lines of ``stream`` up to the first that begins with ``start``."""
    lines: list[str] = []
    while not lines or not lines[-1].startswith(start):
        line = await asyncio.wait_for(stream.readline(), SECONDS)
        assert line, f"ended before {start!r}: {lines}"
        lines.append(line.decode().rstrip("\n"))
    return lines


async def test_example_sees_every_event_once_although_the_suite_dies_twice(run_node: RunNode, tmp_path: Path) -> None:
    """A watch resumes by itself after the last event seen, and the example goes on to publish and predict."""
    image = tmp_path / "rose.jpg"
    image.write_bytes(photo(1))
    lines: list[str] = []
    async with suite(4, ANY_PORT) as addresses:
        arguments = ["--project", "flowers", str(image)]
        running = run_node(EXAMPLE, *arguments, **settings(addresses, home=tmp_path))
        process = await running.__aenter__()
        assert process.stdout is not None
        lines += await read_until(process.stdout, "4\t")
    async with suite(9, addresses):
        lines += await read_until(process.stdout, "9\t")
    async with suite(scripted_suite.EVENT_COUNT, addresses):
        rest, errors = await asyncio.wait_for(process.communicate(), SECONDS)
        await running.__aexit__(None, None, None)
    lines += rest.decode().splitlines()

    assert process.returncode == 0, errors.decode()
    told = [line.split("\t") for line in lines[1:-1]]
    assert [int(sequence) for sequence, _ in told] == list(range(1, scripted_suite.EVENT_COUNT + 1))
    assert told[2][1] == "PREPARING_BACKBONE 3/3"
    assert told[8][1] == "precision 0.750, recall 0.000, average precision 0.000"
    assert told[-1][1] == "SUCCEEDED"
    assert lines[-1] == f"rose\t{len(photo(1)) / 10_000:.4f}"


@pytest.mark.parametrize(("after", "expected"), [("7", ["8", "9", "10", "11", "12"]), ("12", [])])
async def test_watch_begins_after_a_sequence_and_ends(
    run_node: RunNode, whole_suite: list[str], tmp_path: Path, after: str, expected: list[str]
) -> None:
    """A watch tells only what follows, and one that begins at the end of an ended run ends at once."""
    program = PROGRAMS / "watch_run.js"
    async with run_node(program, scripted_suite.RUN_ID, after, **settings(whole_suite, home=tmp_path)) as process:
        output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    assert output.decode().split() == expected, errors.decode()


async def failure(run_node: RunNode, environment: dict[str, str], *call: str) -> dict[str, Any]:
    """Returns the error that a call of the client ends with."""
    async with run_node(PROGRAMS / "print_error.js", *call, **environment) as process:
        output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    assert output, errors.decode()
    error: dict[str, Any] = json.loads(output)
    return error


@pytest.mark.parametrize(
    ("keys", "reason", "code"),
    [
        ({"CUSTOMVISION_TRAINING_KEY": "wrong"}, "KEY_WRONG", grpc.StatusCode.UNAUTHENTICATED),
        ({"CUSTOMVISION_TRAINING_KEY": ""}, "KEY_MISSING", grpc.StatusCode.UNAUTHENTICATED),
        (
            {"CUSTOMVISION_TRAINING_KEY": "", "CUSTOMVISION_PREDICTION_KEY": "p" * 64},
            "KEY_NOT_SUFFICIENT",
            grpc.StatusCode.PERMISSION_DENIED,
        ),
    ],
)
async def test_refused_keys_give_their_reason(
    run_node: RunNode, whole_suite: list[str], tmp_path: Path, keys: dict[str, str], reason: str, code: grpc.StatusCode
) -> None:
    """A call with a wrong, missing or insufficient key throws an error with the stable reason and the status."""
    environment = settings(whole_suite, home=tmp_path, **keys)
    error = await failure(run_node, environment, "training", "getTrainingRun", "{}")
    assert (error["reason"], error["code"], error["isTransient"]) == (reason, code.value[0], False)
    assert "key" in error["message"]


async def test_keys_come_from_the_data_folder(run_node: RunNode, whole_suite: list[str], tmp_path: Path) -> None:
    """Without keys in the environment, those of this machine's suite are used."""
    keys = {"training_key": scripted_suite.KEYS.training_key, "prediction_key": scripted_suite.KEYS.prediction_key}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    environment = settings(whole_suite, home=tmp_path, CUSTOMVISION_TRAINING_KEY="")
    answer = await failure(run_node, environment, "project", "listProjects", '{"name": "flowers"}')
    assert answer["answer"]["projects"][0]["projectId"] == scripted_suite.PROJECT_ID


async def test_unreachable_service_is_named_with_what_to_do(run_node: RunNode, tmp_path: Path) -> None:
    """Where nothing listens, the error names the address, the setting and the remedy, and may pass."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        addresses = [f"127.0.0.1:{server.getsockname()[1]}"] * 3
    error = await failure(run_node, settings(addresses, home=tmp_path), "prediction", "listModels", "{}")
    assert (error["reason"], error["isTransient"]) == ("SERVICE_UNREACHABLE", True)
    assert addresses[2] in error["message"]
    assert "CUSTOMVISION_PREDICTION_ADDRESS" in error["message"]


async def test_refused_upload_ends_at_once(run_node: RunNode, whole_suite: list[str], tmp_path: Path) -> None:
    """An endless upload that the service refuses stops asking for images and throws the service's reason."""
    environment = settings(whole_suite, home=tmp_path, CUSTOMVISION_TRAINING_KEY="wrong")
    async with run_node(PROGRAMS / "upload_without_end.js", **environment) as process:
        output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    assert output.decode().split() == ["stopped", "KEY_WRONG"], errors.decode()


async def test_aborted_watch_throws_the_reason(run_node: RunNode, tmp_path: Path) -> None:
    """A watch ends when its signal is aborted, although the run goes on."""
    async with suite(3, ANY_PORT) as addresses:
        program = PROGRAMS / "abort_watch.js"
        async with run_node(program, scripted_suite.RUN_ID, **settings(addresses, home=tmp_path)) as process:
            output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    assert output.decode().split() == ["1", "2", "3", "AbortError"], errors.decode()


async def test_questions_and_answers_travel_over_one_stream(
    run_node: RunNode, whole_suite: list[str], tmp_path: Path
) -> None:
    """A question can wait for the answer to the one before; the stream ends after the last."""
    program = PROGRAMS / "predict_stream.js"
    async with run_node(program, "1000", "0", "2000", **settings(whole_suite, home=tmp_path)) as process:
        output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    assert output.decode().splitlines() == [
        "question 0 0.1000", "question 1 IMAGE_SIZE_INVALID", "question 2 0.2000",
    ], errors.decode()  # fmt: skip
