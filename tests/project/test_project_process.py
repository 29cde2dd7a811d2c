"""The project service as a process: started twice, killed, in the way of another."""

import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.v1 import images_pb2, project_service_pb2_grpc
from pictures import encoded, photo, picture
from project_calls import Stub, add_images, all_of, freeze, image_list, make_project, make_trainable, upload
from project_copying import (
    IMPORTING,
    SUCCEEDED,
    begin_copy,
    complete_with_model,
    ended,
    iterations_of,
    project_of,
    tags_of,
    token_of,
)

COMMAND = [sys.executable, "-m", "customvision.project"]


def _environment(home: Path, address: str = "127.0.0.1:0") -> dict[str, str]:
    return os.environ | {"CUSTOMVISION_HOME": str(home), "CUSTOMVISION_PROJECT_ADDRESS": address}


@contextlib.contextmanager
def _process(home: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Starts the service on a free port and yields it with its address."""
    process = subprocess.Popen(COMMAND, env=_environment(home), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            match = re.search(r'"address": "([^"]+)"', line)
            if match:
                break
        else:
            pytest.fail(f"the service did not start (exit status {process.wait()})")
        yield process, match.group(1)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)
        process.stderr.close()


@contextlib.asynccontextmanager
async def _stub(home: Path, address: str) -> AsyncIterator[Stub]:
    channel = open_channel(address, Keys(**json.loads((home / "keys.json").read_text())))
    try:
        yield project_service_pb2_grpc.ProjectServiceStub(channel)
    finally:
        await channel.close()


def _outcome(environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stderr


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """Killed in the middle of uploads, three times, the service comes back with every acknowledged image whole."""
    acknowledged: dict[str, str] = {}
    seeds = itertools.count()
    with _process(tmp_path) as (_, address):
        async with _stub(tmp_path, address) as stub:
            project_id = (await make_project(stub)).project_id
    for _ in range(3):
        with _process(tmp_path) as (process, address):
            async with _stub(tmp_path, address) as stub:
                await _check(stub, project_id, acknowledged)
                enough = len(acknowledged) + 20
                senders = [asyncio.create_task(_send(stub, project_id, seeds, acknowledged)) for _ in range(4)]
                while len(acknowledged) < enough:
                    await asyncio.sleep(0.005)
                process.send_signal(signal.SIGKILL)
                await asyncio.gather(*senders)
    with _process(tmp_path) as (_, address):
        async with _stub(tmp_path, address) as stub:
            await _check(stub, project_id, acknowledged)
    assert len(acknowledged) >= 60


async def _send(stub: Stub, project_id: str, seeds: Iterator[int], acknowledged: dict[str, str]) -> None:
    """Uploads photo after photo until the service is gone."""
    with contextlib.suppress(grpc.aio.AioRpcError):
        for seed in seeds:
            [result] = await add_images(stub, project_id, [photo(seed)])
            acknowledged[result.image_id] = result.image.content_sha256


async def _check(stub: Stub, project_id: str, acknowledged: dict[str, str]) -> None:
    listed = {image.image_id for image in await image_list(stub, project_id, page_size=1000)}
    assert acknowledged.keys() <= listed
    request = images_pb2.DownloadImagesRequest(project_id=project_id, image_ids=list(listed))
    for chunk in await all_of(stub.DownloadImages(request)):
        assert not chunk.missing
        assert acknowledged.get(chunk.image_id) in (None, hashlib.sha256(chunk.data).hexdigest())


def test_a_second_service_on_one_home_says_so(tmp_path: Path) -> None:
    """Exit status 78 and one sentence, no traceback; the first one goes on."""
    with _process(tmp_path) as (process, _):
        code, text = _outcome(_environment(tmp_path))
        assert code == 78
        assert text.count("\n") == 1
        assert "serve project" in text
        assert process.poll() is None


def test_a_port_in_use_says_so(tmp_path: Path) -> None:
    """Exit status 78 and a sentence that names the address and its setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, text = _outcome(_environment(tmp_path, address))
    assert code == 78
    assert address in text
    assert "CUSTOMVISION_PROJECT_ADDRESS" in text
    assert "Traceback" not in text


def test_a_damaged_database_says_so(tmp_path: Path) -> None:
    """A file that is no database stops the start with a sentence, and is left as it is."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "project.sqlite").write_bytes(b"not a database" * 100)
    code, text = _outcome(_environment(tmp_path))
    assert code == 78
    assert "project.sqlite" in text
    assert "Traceback" not in text
    assert (tmp_path / "project" / "project.sqlite").read_bytes() == b"not a database" * 100


def test_the_service_stops_at_once_when_asked(tmp_path: Path) -> None:
    """SIGTERM ends it with status 0 in a moment."""
    with _process(tmp_path) as (process, _):
        started = time.monotonic()
        process.terminate()
        assert process.wait(30) == 0
        assert time.monotonic() - started < 20


async def test_copies_go_on_after_kill_9(tmp_path: Path) -> None:
    """Two copies of 1,000 images that are begun together, and met by a kill each time a step was made, become whole."""
    with _process(tmp_path) as (_, address):
        async with _stub(tmp_path, address) as stub:
            source, _ = await make_trainable(stub, first_seed=10_000)
            tag_id = (await tags_of(stub, source))[0].tag_id
            await upload(stub, source, (encoded(picture(seed, size=(8, 8))) for seed in range(1000)), [tag_id])
            await complete_with_model(stub, await freeze(stub, source))
            expected = [(image.content_sha256, len(image.tag_ids)) for image in await image_list(stub, source)]
            token = await token_of(stub, source)
    copies: list[str] = []
    interrupted = 0
    for _ in range(5):
        with _process(tmp_path) as (process, address):
            async with _stub(tmp_path, address) as stub:
                if not copies:
                    begun = await asyncio.gather(*[begin_copy(stub, token) for _ in range(2)])
                    copies = [copy.project_id for copy in begun]
                before = await _progress(stub, copies)
                while (now := await _progress(stub, copies)) == before and now[0]:
                    await asyncio.sleep(0.001)
                interrupted += now[0]
                process.send_signal(signal.SIGKILL)
    assert interrupted
    with _process(tmp_path) as (_, address):
        async with _stub(tmp_path, address) as stub:
            for copy in copies:
                await ended(stub, copy, SUCCEEDED)
                images = await image_list(stub, copy, page_size=1000)
                assert [(image.content_sha256, len(image.tag_ids)) for image in images] == expected
                [iteration] = await iterations_of(stub, copy)
                assert iteration.image_count == len(expected) == 1010
                assert len(await image_list(stub, copy, iteration_id=iteration.iteration_id)) == 1010


async def _progress(stub: Stub, project_ids: list[str]) -> tuple[bool, list[int]]:
    """Returns whether a project is still being copied, and how many images each has."""
    projects = [await project_of(stub, project_id) for project_id in project_ids]
    return any(project.status == IMPORTING for project in projects), [project.image_count for project in projects]
