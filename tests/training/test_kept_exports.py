"""Exports that are made in the background and kept, built by a child that needs no Keras."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from customvision.common.background import in_background
from customvision.common.errors import NotFound, Unavailable
from customvision.training.evaluation.iteration_performance import IterationNotCompleted
from customvision.training.export.export_files import ExportFiles
from customvision.training.export.export_format import ExportFormat
from customvision.training.export.export_keeper import GIVEN_UP, OWN_ERROR, ExportKeeper
from customvision.training.export.exporter import Exporter
from customvision.training.export.kept_export import (
    MAX_BYTES,
    ExportNotDone,
    ExportNotFound,
    ExportState,
    KeptExport,
)
from customvision.training.export.kept_exports import KeptExports
from customvision.training.export.pieces import PIECE_BYTES
from customvision.training.store.exports import ExportStore
from customvision.v1 import artifacts_pb2, iterations_pb2
from scripted_exports import BUILD, SCRIPTS, WAIT, ExportChild, exporting_processes
from scripted_project import Scripts, TrainingParts, training_parts
from scripted_server import ScriptedCall

ITERATION = ("project", "iteration")
ONNX, KERAS = ExportFormat.ONNX, ExportFormat.KERAS
SIZE_BYTES = 3 * PIECE_BYTES
# Says which format it builds, and waits for leave.
BUILD_ON_LEAVE = (
    "(folder.parent / request['format']).touch(); "
    "any(time.sleep(0.02) for _ in iter((folder.parent / 'leave').exists, True)); " + BUILD
)


class Keeping:
    """Kept exports in ``folder``, with the keeper at work."""

    def __init__(self, parts: TrainingParts, folder: Path, max_bytes: int) -> None:
        self.parts = parts
        self.folder = folder
        self.store = ExportStore(parts.database)
        files = ExportFiles(folder / "exports")
        exporter = Exporter(parts.iterations, folder)
        self.keeper = ExportKeeper(self.store, parts.iterations, exporter, files, max_bytes=max_bytes)
        self.exports = KeptExports(self.store, parts.iterations, files, self.keeper)

    async def start(self, export_format: ExportFormat = ONNX) -> KeptExport:
        """Starts an export of the iteration."""
        return await self.exports.start(*ITERATION, export_format)

    async def ended(self, export_format: ExportFormat = ONNX) -> KeptExport:
        """Returns an export once it is done or has failed."""
        while True:
            for export in await self.store.asked_for(*ITERATION, export_format):
                if export.state is not ExportState.EXPORTING:
                    return export
            await asyncio.sleep(0.02)

    async def made(self, export_format: ExportFormat = ONNX) -> KeptExport:
        """Starts an export and returns it once it is done or has failed."""
        await self.start(export_format)
        return await self.ended(export_format)

    async def content(self, export_format: ExportFormat = ONNX) -> bytes:
        """Returns the zip."""
        return b"".join([piece.data async for piece in self.exports.content(*ITERATION, export_format)])

    async def wait_for_files(self, count: int) -> None:
        """Waits until so many zips lie on the disk."""
        while len(list((self.folder / "exports").glob("*"))) != count:
            await asyncio.sleep(0.02)

    async def onnx_was_asked_for_long_ago(self) -> None:
        """Makes it 25 hours since the ONNX export was asked for, and has the keeper look."""
        time = "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now', '-25 hours')"
        await self.parts.execute(f"UPDATE exports SET asked_time = {time} WHERE format = 'onnx'")  # noqa: S608
        self.keeper.wake()


@asynccontextmanager
async def keeping(folder: Path, scripts: Scripts = SCRIPTS, *, max_bytes: int = MAX_BYTES) -> AsyncIterator[Keeping]:
    """Keeps exports in ``folder`` until the block's end."""
    async with training_parts(folder, scripts) as parts, asyncio.timeout(60):
        kept = Keeping(parts, folder, max_bytes)
        async with in_background(kept.keeper.work()):
            yield kept


async def wait_for(file: Path) -> None:
    """Waits until a file is there."""
    while not await asyncio.to_thread(file.exists):
        await asyncio.sleep(0.02)


def leftovers(folder: Path) -> list[Path]:
    """Returns what making an export left behind."""
    return list(folder.glob(".tmp-*"))


def gone(call: ScriptedCall) -> iterations_pb2.Iteration:
    """Answers that there is no such iteration."""
    call.fail(grpc.StatusCode.NOT_FOUND, "There is no such iteration.")
    raise AssertionError("the call has ended")


async def test_an_export_is_made_once_and_read_often(tmp_path: Path, export_child: ExportChild) -> None:
    """Asked for again, also while it is made, the same export is answered; its zip can be read as often as wanted."""
    export_child(BUILD_ON_LEAVE)
    async with keeping(tmp_path) as kept:
        first = await kept.start()
        assert (first.state, first.file_name, first.size_bytes) == (ExportState.EXPORTING, "iteration-1-onnx.zip", 0)
        await wait_for(tmp_path / "onnx")
        assert (await kept.start()).create_time == first.create_time
        (tmp_path / "leave").touch()
        done = await kept.ended()
        assert (done.state, done.size_bytes, done.attempt) == (ExportState.DONE, SIZE_BYTES, 1)
        assert (await kept.start()).sequence == done.sequence
        assert await kept.content() == await kept.content() == b"x" * SIZE_BYTES
        assert leftovers(tmp_path) == []


async def test_exports_are_made_one_after_the_other(tmp_path: Path, export_child: ExportChild) -> None:
    """A second export waits until the first is done, and both are listed in the order in which they were asked for."""
    export_child(BUILD_ON_LEAVE)
    async with keeping(tmp_path) as kept:
        await kept.start(ONNX)
        await wait_for(tmp_path / "onnx")
        await kept.start(KERAS)
        assert len(exporting_processes()) == 1
        assert not (tmp_path / "keras").exists()
        (tmp_path / "leave").touch()
        await kept.ended(KERAS)
        exports = await kept.exports.of_iteration(*ITERATION)
        assert [(export.format, export.state) for export in exports] == [
            (ONNX, ExportState.DONE),
            (KERAS, ExportState.DONE),
        ]


async def test_an_export_that_failed_is_made_anew(tmp_path: Path, export_child: ExportChild) -> None:
    """A failed export says why, has nothing to read, and comes to be when it is asked for again."""
    export_child("reports.send('differs', cause='It is off by 0.5.')")
    async with keeping(tmp_path) as kept:
        failed = await kept.made()
        assert failed.state is ExportState.FAILED
        assert failed.failure_reason == "It is off by 0.5. Nothing was exported; export another format."
        with pytest.raises(ExportNotDone, match="It is off by 0") as caught:
            await kept.content()
        assert caught.value.metadata["state"] == "failed"
        export_child(BUILD)
        again = await kept.start()
        assert (again.state, again.failure_reason) == (ExportState.EXPORTING, "")
        assert (await kept.ended()).state is ExportState.DONE


async def test_an_export_outlasts_a_moment_without_the_project_service(
    tmp_path: Path, export_child: ExportChild
) -> None:
    """An export for which the project service is away twice, once in the middle, is made once it is back."""
    export_child(BUILD)

    def away_twice(call: ScriptedCall) -> Iterator[artifacts_pb2.ArtifactChunk]:
        if call.number in (1, 3):
            call.fail(grpc.StatusCode.UNAVAILABLE)
        yield from SCRIPTS["GetArtifact"](call)

    async with keeping(tmp_path, {**SCRIPTS, "GetArtifact": away_twice}) as kept:
        done = await kept.made()
        assert (done.state, done.attempt) == (ExportState.DONE, 1)


async def test_an_error_that_nobody_foresaw_fails_one_export(tmp_path: Path, export_child: ExportChild) -> None:
    """An error of the service's own ends the export, not the keeper: the next one is made."""
    export_child(BUILD)
    (tmp_path / "exports").touch()
    async with keeping(tmp_path) as kept:
        failed = await kept.made()
        assert (failed.state, failed.failure_reason) == (ExportState.FAILED, OWN_ERROR)
        (tmp_path / "exports").unlink()
        assert (await kept.made()).state is ExportState.DONE


async def test_what_is_not_there_cannot_be_read(tmp_path: Path, export_child: ExportChild) -> None:
    """An export that nobody asked for is not found; one that is being made is not done."""
    export_child(WAIT)
    async with keeping(tmp_path) as kept:
        with pytest.raises(ExportNotFound, match="call StartExport"):
            await kept.content()
        await kept.start()
        with pytest.raises(ExportNotDone, match="being made") as caught:
            await kept.content()
        assert caught.value.metadata["state"] == "exporting"


async def test_an_interrupted_export_is_made_anew(tmp_path: Path, export_child: ExportChild) -> None:
    """What the keeper's end interrupts leaves no process and no file, and is made when the keeper works again."""
    export_child(WAIT)
    async with keeping(tmp_path) as kept:
        started = await kept.start()
        await wait_for(tmp_path / "begun")
    assert exporting_processes() == []
    assert leftovers(tmp_path) == []
    export_child(BUILD)
    async with keeping(tmp_path) as kept:
        done = await kept.ended()
        assert (done.state, done.create_time, done.attempt) == (ExportState.DONE, started.create_time, 2)


async def test_an_export_that_is_always_interrupted_ends(tmp_path: Path, export_child: ExportChild) -> None:
    """An export at which the service died ten times fails and says so."""
    export_child(WAIT)
    async with keeping(tmp_path) as kept:
        await kept.start()
        await wait_for(tmp_path / "begun")
        await kept.parts.execute("UPDATE exports SET attempt = 10")
    async with keeping(tmp_path) as kept:
        failed = await kept.ended()
        assert (failed.state, failed.failure_reason) == (ExportState.FAILED, GIVEN_UP)


async def test_exports_go_a_day_after_they_were_asked_for(tmp_path: Path, export_child: ExportChild) -> None:
    """What nobody asked for since a day is removed with its file; what was asked for stays."""
    export_child(BUILD)
    async with keeping(tmp_path) as kept:
        await kept.made(ONNX)
        await kept.made(KERAS)
        await kept.onnx_was_asked_for_long_ago()
        await kept.wait_for_files(1)
        with pytest.raises(ExportNotFound):
            await kept.content(ONNX)
        assert len(await kept.content(KERAS)) == SIZE_BYTES


@pytest.mark.parametrize("way", ["start", "list", "read"])
async def test_asking_keeps_an_export_longer(tmp_path: Path, export_child: ExportChild, way: str) -> None:
    """Starting, listing and reading a finished export each count as asking for it."""
    export_child(BUILD)
    async with keeping(tmp_path) as kept:
        done = await kept.made()
        ways: dict[str, Callable[[], Awaitable[object]]] = {
            "start": kept.start,
            "list": lambda: kept.exports.of_iteration(*ITERATION),
            "read": kept.content,
        }
        await ways[way]()
        (later,) = await kept.store.asked_for(*ITERATION)
        assert later.asked_time > done.asked_time


async def test_the_room_for_exports_is_bounded(tmp_path: Path, export_child: ExportChild) -> None:
    """Where all exports together take more than they may, the one that nobody asked for for longest goes."""
    export_child(BUILD)
    async with keeping(tmp_path, max_bytes=2 * SIZE_BYTES) as kept:
        for export_format in (ONNX, KERAS):
            await kept.made(export_format)
        await kept.content(ONNX)
        await kept.made(ExportFormat.LITERT)
        await kept.wait_for_files(2)
        with pytest.raises(ExportNotFound):
            await kept.content(KERAS)
        assert len(await kept.content(ONNX)) == SIZE_BYTES


async def test_exports_go_with_their_iteration(tmp_path: Path, export_child: ExportChild) -> None:
    """Once the project service does not know the iteration any more, no call finds its exports, and the file goes."""
    export_child(BUILD)
    scripts = dict(SCRIPTS)
    async with keeping(tmp_path, scripts) as kept:
        await kept.made()
        scripts["GetIteration"] = gone
        with pytest.raises(NotFound):
            await kept.content()
        for call in (kept.start(), kept.exports.of_iteration(*ITERATION)):
            with pytest.raises(NotFound):
                await call
        kept.keeper.wake()
        await kept.wait_for_files(0)


async def test_the_keeper_looks_whether_iterations_are_there(tmp_path: Path, export_child: ExportChild) -> None:
    """Exports of an iteration that was deleted go though nobody asks for them; while project is away, they stay."""
    export_child(BUILD)
    scripts = dict(SCRIPTS)
    async with keeping(tmp_path, scripts) as kept:
        await kept.made()
        scripts["GetIteration"] = lambda call: call.fail(grpc.StatusCode.UNAVAILABLE)
        with pytest.raises(Unavailable):
            await kept.start()
        asked = len(kept.parts.server.calls["GetIteration"])
        kept.keeper.wake()
        while len(kept.parts.server.calls["GetIteration"]) == asked:
            await asyncio.sleep(0.02)
        scripts["GetIteration"] = SCRIPTS["GetIteration"]
        assert len(await kept.content()) == SIZE_BYTES
        scripts["GetIteration"] = gone
        kept.keeper.wake()
        await kept.wait_for_files(0)


async def test_an_iteration_deleted_while_it_is_exported(tmp_path: Path, export_child: ExportChild) -> None:
    """An export whose iteration goes while it is made leaves neither row nor file."""
    export_child(BUILD_ON_LEAVE)
    scripts = dict(SCRIPTS)
    async with keeping(tmp_path, scripts) as kept:
        await kept.start()
        await wait_for(tmp_path / "onnx")
        scripts["GetIteration"] = gone
        with pytest.raises(NotFound):
            await kept.exports.of_iteration(*ITERATION)
        (tmp_path / "leave").touch()
        # Made, then removed, for nobody knows it any more.
        while exporting_processes():
            await asyncio.sleep(0.02)
        await kept.wait_for_files(0)
        scripts["GetIteration"] = SCRIPTS["GetIteration"]
        assert await kept.exports.of_iteration(*ITERATION) == []


async def test_a_file_that_was_lost_is_made_anew(tmp_path: Path, export_child: ExportChild) -> None:
    """An export whose file somebody removed is not found, and is made when it is asked for again."""
    export_child(BUILD)
    async with keeping(tmp_path) as kept:
        done = await kept.made()
        (tmp_path / "exports" / done.stored_name).unlink()
        with pytest.raises(ExportNotFound):
            await kept.content()
        while await kept.exports.of_iteration(*ITERATION):
            await asyncio.sleep(0.02)
        assert (await kept.made()).state is ExportState.DONE
        assert len(await kept.content()) == SIZE_BYTES


async def test_files_of_no_export_are_removed(tmp_path: Path) -> None:
    """A file that was moved into place just before the service died, and never recorded, goes at the next start."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "0123.zip").touch()
    async with keeping(tmp_path) as kept:
        await kept.wait_for_files(0)


async def test_an_iteration_without_a_model_is_refused(tmp_path: Path) -> None:
    """An iteration in training has nothing to export, and no exports to list."""
    training = iterations_pb2.Iteration(name="Iteration 1", status=iterations_pb2.ITERATION_STATUS_TRAINING)
    async with keeping(tmp_path, {**SCRIPTS, "GetIteration": lambda _: training}) as kept:
        with pytest.raises(IterationNotCompleted):
            await kept.start()
        assert await kept.exports.of_iteration(*ITERATION) == []
