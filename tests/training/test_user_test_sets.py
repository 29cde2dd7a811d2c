"""EvaluateIteration: an iteration measured on images that a user sends, with a real model in a real child process."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from customvision.training.evaluation import spool
from customvision.v1 import training_service_pb2
from evaluation_service import Artifacts, ServeService, evaluation_service
from models import model
from pictures import photo
from project_calls import Refusal, refusal_of

COLORS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}
MODULE = "customvision.training.evaluation"

Messages = list[training_service_pb2.EvaluateIterationRequest]


@pytest.fixture
def artifacts() -> Artifacts:
    """A multiclass and a multilabel iteration that tell red, green and blue."""
    artifacts = Artifacts()
    artifacts.add("colors", model=model())
    artifacts.add("several", model=model(multilabel=True))
    return artifacts


def header(iteration_id: str = "colors", **options: Any) -> training_service_pb2.EvaluateIterationRequest:
    """Returns the message that opens a test set."""
    values = {"project_id": "p", "iteration_id": iteration_id, **options}
    return training_service_pb2.EvaluateIterationRequest(header=training_service_pb2.EvaluateIterationHeader(**values))


def image(image_id: str, data: bytes, *tag_names: str) -> training_service_pb2.EvaluateIterationRequest:
    """Returns the message of one image."""
    content = training_service_pb2.TestImage(image_id=image_id, data=data, tag_names=tag_names)
    return training_service_pb2.EvaluateIterationRequest(image=content)


def photo_of(color: str, seed: int = 0) -> bytes:
    """Returns a photo of one color."""
    return photo(seed, color=COLORS[color])


def colored_set(per_color: int = 2) -> Messages:
    """Returns the images of a test set, all told right by the model."""
    return [image(f"{color}/{seed}.jpg", photo_of(color, seed), color) for color in COLORS for seed in range(per_color)]


async def sent(messages: Iterable[training_service_pb2.EvaluateIterationRequest]) -> AsyncIterator[Any]:
    """Yields messages as a stream."""
    for message in messages:
        yield message


def evaluating() -> list[psutil.Process]:
    """Returns the processes below this one that measure a test set."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and MODULE in process.cmdline():
                found.append(process)
    return found


def leftovers(folder: Path) -> list[Path]:
    """Returns what lies in the folder that test sets are received into."""
    return list(folder.iterdir())


async def test_a_test_set_is_measured(artifacts: Artifacts, tmp_path: Path, serve_service: ServeService) -> None:
    """Figures and results tell how the model does, wrong images first, unreadable ones apart; nothing is kept."""
    messages = [
        header(),
        *colored_set(),
        image("wrong", photo_of("blue", 7), "green"),
        image("no picture", b"no picture", "red"),
        image("empty", b"", "red"),
    ]
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        answer = await service.EvaluateIteration(sent(messages))
    performance = answer.performance
    assert performance.iteration_id == "colors"
    assert performance.overall.held_out_image_count == 7
    assert performance.overall.accuracy == pytest.approx(6 / 7)
    assert list(performance.confusion.counts) == [2, 0, 0, 0, 2, 1, 0, 0, 2]
    assert [(tag.tag_name, tag.image_count) for tag in performance.tags] == [("red", 2), ("green", 3), ("blue", 2)]
    assert not performance.HasField("cross_validation")
    assert (answer.results[0].image_id, answer.results[0].right) == ("wrong", False)
    assert answer.results[0].predictions[0].tag_name == "blue"
    assert list(answer.results[0].tag_ids) == ["tag-of-green"]
    assert [result.right for result in answer.results[1:]] == [True] * 6
    assert list(answer.unreadable_image_ids) == ["no picture", "empty"]
    assert leftovers(tmp_path) == []


async def test_multilabel_takes_any_number_of_tags(
    artifacts: Artifacts, tmp_path: Path, serve_service: ServeService
) -> None:
    """In multilabel an image may carry no tag or several, a tag named twice counts once, and the threshold decides."""
    pictures = [
        image("none", photo(1, color=(2, 2, 2))),
        image("yellow", photo(2, color=(230, 230, 5)), "red", "green", "green"),
    ]
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        strict = await service.EvaluateIteration(sent([header("several", threshold=0.9), *pictures]))
        loose = await service.EvaluateIteration(sent([header("several", threshold=0.0), *pictures]))
    assert (strict.performance.threshold, strict.performance.overall.precision) == (0.9, 1.0)
    assert strict.performance.overall.accuracy == 1.0
    assert all(result.right for result in strict.results)
    assert loose.performance.overall.precision == pytest.approx(2 / 6)
    assert not loose.performance.HasField("confusion")


async def test_only_unreadable_images_are_no_failure(
    artifacts: Artifacts, tmp_path: Path, serve_service: ServeService
) -> None:
    """A test set of which nothing can be decoded is answered with figures of nothing and its images by name."""
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        answer = await service.EvaluateIteration(sent([header(), image("a", b"text", "red")]))
    assert list(answer.unreadable_image_ids) == ["a"]
    assert answer.performance.overall.held_out_image_count == 0


INVALID = grpc.StatusCode.INVALID_ARGUMENT
RED = photo_of("red")
REFUSALS: dict[str, tuple[Messages, grpc.StatusCode, str, str]] = {
    "nothing at all": ([], INVALID, "STREAM_HEADER_MISSING", "header"),
    "no header": ([image("a", RED, "red")], INVALID, "STREAM_HEADER_MISSING", "header"),
    "two headers": ([header(), header()], INVALID, "STREAM_MESSAGE_UNEXPECTED", "'image'"),
    "no project": ([header(project_id="")], INVALID, "FIELD_MISSING", "project_id"),
    "no iteration": ([header("")], INVALID, "FIELD_MISSING", "iteration_id"),
    "unknown iteration": ([header("other")], grpc.StatusCode.NOT_FOUND, "", "no such iteration"),
    "no model": ([header("failed")], grpc.StatusCode.FAILED_PRECONDITION, "ITERATION_NOT_COMPLETED", "no model"),
    "threshold": ([header(threshold=-0.1)], INVALID, "THRESHOLD_INVALID", "-0.1"),
    "no image": ([header()], INVALID, "TEST_SET_EMPTY", "no images"),
    "no id": ([header(), image("", RED, "red")], INVALID, "IMAGE_ID_INVALID", "image 1 has 0"),
    "long id": ([header(), image("a" * 1025, RED, "red")], INVALID, "IMAGE_ID_INVALID", "1,025"),
    "same id": ([header(), image("a", RED, "red"), image("a", RED, "red")], INVALID, "IMAGE_ID_REPEATED", "'a'"),
    "unknown tag": ([header(), image("a", RED, "rose")], INVALID, "TAG_NAME_UNKNOWN", "'red', 'green', 'blue'"),
    "two tags": ([header(), image("a", RED, "red", "blue")], INVALID, "TAG_COUNT_INVALID", "2 tags"),
    "no tag": ([header(), image("a", RED)], INVALID, "TAG_COUNT_INVALID", "0 tags"),
    "large": ([header(), image("a", bytes(6 * 1024 * 1024 + 1), "red")], INVALID, "IMAGE_SIZE_INVALID", "6 MiB"),
}


async def refused(service: Any, messages: Messages) -> Refusal:
    """Returns how a test set is refused."""
    return await refusal_of(service.EvaluateIteration(sent(messages)))


@pytest.mark.parametrize(("messages", "code", "reason", "words"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_bad_test_sets_are_refused(
    artifacts: Artifacts,
    tmp_path: Path,
    serve_service: ServeService,
    messages: Messages,
    code: grpc.StatusCode,
    reason: str,
    words: str,
) -> None:
    """What is wrong with a test set is said precisely, and nothing of it is left."""
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        refusal = await refused(service, messages)
    assert refusal.code is code
    assert not reason or refusal.reason == reason
    assert words in refusal.message
    assert leftovers(tmp_path) == []


async def test_too_many_images_are_refused(
    artifacts: Artifacts, tmp_path: Path, serve_service: ServeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test set past the limit is refused."""
    monkeypatch.setattr(spool, "MAX_IMAGES", 3)
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        refusal = await refused(service, [header(), *colored_set()])
    assert (refusal.code, refusal.reason) == (INVALID, "TOO_MANY_ITEMS")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk needs the right to mount one ({error})")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


async def test_a_full_disk_is_told(artifacts: Artifacts, small_disk: Path, serve_service: ServeService) -> None:
    """A test set for which the disk has no room is refused as such, and leaves the room that it took."""
    large = [image(str(number), bytes(1024 * 1024), "red") for number in range(6)]
    async with evaluation_service(artifacts, small_disk, serve_service) as service:
        refusal = await refused(service, [header(), *large])
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")
        assert leftovers(small_disk) == []
        answer = await service.EvaluateIteration(sent([header(), *colored_set()]))
        assert answer.performance.overall.accuracy == 1.0


async def test_a_caller_who_leaves_ends_the_work(
    artifacts: Artifacts, tmp_path: Path, serve_service: ServeService
) -> None:
    """When the caller leaves while the model answers, its process and the files are gone."""
    messages = [header(), *(image(str(number), photo_of("red", number % 3), "red") for number in range(800))]
    async with evaluation_service(artifacts, tmp_path, serve_service) as service, asyncio.timeout(60):
        call = service.EvaluateIteration(sent(messages))
        while not evaluating():
            assert not call.done()
            await asyncio.sleep(0.005)
        call.cancel()
        while evaluating() or leftovers(tmp_path):
            await asyncio.sleep(0.01)


async def test_a_killed_process_is_an_error_without_leftovers(
    artifacts: Artifacts, tmp_path: Path, serve_service: ServeService
) -> None:
    """When the process that computes is killed, the call ends with INTERNAL and the next one works."""
    messages = [header(), *(image(str(number), photo_of("red", number % 3), "red") for number in range(800))]
    async with evaluation_service(artifacts, tmp_path, serve_service) as service, asyncio.timeout(60):
        call = service.EvaluateIteration(sent(messages))
        while not (found := evaluating()):
            await asyncio.sleep(0.005)
        found[0].kill()
        assert (await refusal_of(call)).code is grpc.StatusCode.INTERNAL
        assert leftovers(tmp_path) == []
        answer = await service.EvaluateIteration(sent([header(), *colored_set()]))
        assert answer.performance.overall.accuracy == 1.0
