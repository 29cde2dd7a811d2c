"""Uploading files to a real project service, and through connections that break."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import grpc
import pytest

from customvision.client import AsyncClient, Client, ClientSettings, CustomVisionError, Outcome, UploadedImage
from customvision.client.operations.image_files import MAX_BATCH_BYTES, MAX_IMAGE_BYTES, batches
from customvision.common.authentication import KeyRing
from customvision.common.keys import Keys
from customvision.common.server import Server
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service
from customvision.v1 import images_pb2, projects_pb2, tags_pb2
from pictures import photo
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]
PROJECT = "22222222-2222-4222-8222-222222222222"


@pytest.fixture
async def client(settings: Settings, keys: Keys, make_settings: MakeSettings) -> AsyncIterator[AsyncClient]:
    """A client of a real project service."""
    async with open_project_service(settings) as definition:
        server = Server(definition, "127.0.0.1:0", KeyRing(keys))
        address = await server.start()
        async with AsyncClient(make_settings(address)) as client:
            yield client
        await server.stop()


async def project_with_tags(client: AsyncClient, *names: str) -> tuple[str, list[str]]:
    """Makes a multiclass project; returns its id and those of its tags."""
    project = await client.project.CreateProject(projects_pb2.CreateProjectRequest(name="flowers"))
    tags = [
        await client.project.CreateTag(tags_pb2.CreateTagRequest(project_id=project.project_id, name=name))
        for name in names
    ]
    return project.project_id, [tag.tag_id for tag in tags]


def draw(folder: Path, *seeds: int) -> list[Path]:
    """Draws a photo for each seed."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{seed}.jpg" for seed in seeds]
    for path, seed in zip(paths, seeds, strict=True):
        path.write_bytes(photo(seed))
    return paths


def outcomes(images: list[UploadedImage]) -> list[str]:
    """Returns what became of each file, in order."""
    return [image.outcome.value for image in images]


async def test_files_arrive_with_tag_and_name(client: AsyncClient, tmp_path: Path) -> None:
    """New files are stored with their tag, digest and name, and answered in order."""
    project_id, [roses] = await project_with_tags(client, "roses")
    paths = draw(tmp_path / "roses", 3, 1, 2)
    results = [result async for result in client.upload_images(project_id, paths, [roses])]
    assert [result.path for result in results] == paths
    assert outcomes(results) == ["created"] * 3
    images = {image.image_id: image async for image in client.list_images(project_id, tag_ids=[roses])}
    assert [images[result.image_id].file_name for result in results] == ["3.jpg", "1.jpg", "2.jpg"]
    assert all(images[result.image_id].source_sha256 == result.sha256 for result in results)


async def test_metadata_arrives_and_selects(client: AsyncClient, tmp_path: Path) -> None:
    """Files keep what the upload gives them, those that are there gain new keys only, and a filter finds them."""
    project_id, _ = await project_with_tags(client, "roses")
    paths = draw(tmp_path / "roses", 1, 2)
    for chosen, metadata in ((paths[:1], {"split": "test"}), (paths, {"split": "train", "day": "monday"})):
        async for result in client.upload_images(project_id, chosen, metadata=metadata):
            assert result.outcome is not Outcome.REFUSED
    listed = [dict(image.metadata) async for image in client.list_images(project_id)]
    assert listed == [{"split": "test", "day": "monday"}, {"split": "train", "day": "monday"}]
    found = [image.file_name async for image in client.list_images(project_id, metadata_filter="split eq 'train'")]
    assert found == ["2.jpg"]


async def test_known_files_do_not_travel(client: AsyncClient, tmp_path: Path) -> None:
    """A second upload finds everything there; a file that lacks the tag gets it, unless it has another already."""
    project_id, [roses, tulips] = await project_with_tags(client, "roses", "tulips")
    paths = draw(tmp_path / "roses", 1, 2)
    [untagged] = draw(tmp_path / "new", 3)
    async for _ in client.upload_images(project_id, paths, [roses]):
        pass
    async for _ in client.upload_images(project_id, [untagged]):
        pass
    again = [result async for result in client.upload_images(project_id, [*paths, untagged], [roses])]
    assert outcomes(again) == ["already there"] * 3
    assert all(result.image_id for result in again)
    assert len([image async for image in client.list_images(project_id, tag_ids=[roses])]) == 3
    [clash] = [result async for result in client.upload_images(project_id, paths[:1], [tulips])]
    assert clash.outcome is Outcome.REFUSED
    assert clash.status == images_pb2.IMAGE_CREATE_STATUS_ERROR_TAG_LIMIT
    assert clash.message


async def test_bad_files_are_named_and_the_others_go_on(client: AsyncClient, tmp_path: Path) -> None:
    """A text, a cut photo, an empty, an oversized and a missing file are refused, each with a reason."""
    project_id, _ = await project_with_tags(client)
    [good] = draw(tmp_path / "f", 1)
    bad = [tmp_path / name for name in ("text.jpg", "cut.jpg", "empty.jpg", "big.jpg", "missing.jpg")]
    bad[0].write_text("no photo")
    bad[1].write_bytes(good.read_bytes()[:300])
    bad[2].touch()
    with bad[3].open("wb") as big:
        big.truncate(MAX_IMAGE_BYTES + 1)
    results = [result async for result in client.upload_images(project_id, [*bad, tmp_path, good])]
    assert outcomes(results) == ["refused"] * 6 + ["created"]
    assert all(result.message for result in results[:6])
    assert "6 MiB" in results[3].message


async def test_names_of_any_kind_are_taken(client: AsyncClient, tmp_path: Path) -> None:
    """File names that are no Unicode, or as long as a file system allows, do not stop an upload."""
    project_id, _ = await project_with_tags(client)
    paths = [tmp_path / "\udcff.jpg", tmp_path / f"{'x' * 251}.jpg", tmp_path / "🌷 'a\".jpg"]
    for seed, path in enumerate(paths):
        path.write_bytes(photo(seed))
    assert outcomes([result async for result in client.upload_images(project_id, paths)]) == ["created"] * 3


async def test_unknown_project_ends_the_upload(client: AsyncClient, tmp_path: Path) -> None:
    """An upload to a project that does not exist raises instead of answering file by file."""
    with pytest.raises(CustomVisionError) as failure:
        async for _ in client.upload_images(PROJECT, draw(tmp_path / "f", 1)):
            pass
    assert failure.value.code is grpc.StatusCode.NOT_FOUND


class BreakingStore:
    """Stores by digest; each stream breaks once after its images are stored, before they are acknowledged."""

    def __init__(self) -> None:
        self.stored: set[str] = set()

    def find(self, call: ScriptedCall) -> images_pb2.FindImagesResponse:
        """Answers which digests are stored."""
        known = self.stored & set(call.request.source_sha256s)
        return images_pb2.FindImagesResponse(
            images=[images_pb2.Image(image_id=sha256, source_sha256=sha256) for sha256 in known]
        )

    def upload(self, call: ScriptedCall) -> images_pb2.UploadImagesResponse:
        """Stores the images; breaks off every call whose number is odd."""
        assert call.request[0].HasField("header")
        results = [self._store(index, message.image.image_data) for index, message in enumerate(call.request[1:])]
        if call.number % 2:
            call.fail(grpc.StatusCode.UNAVAILABLE)
        return images_pb2.UploadImagesResponse(results=results)

    def _store(self, index: int, data: bytes) -> images_pb2.ImageCreateResult:
        sha256 = hashlib.sha256(data).hexdigest()
        duplicate = sha256 in self.stored
        self.stored.add(sha256)
        status = images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE if duplicate else images_pb2.IMAGE_CREATE_STATUS_OK
        return images_pb2.ImageCreateResult(index=index, status=status, image_id=sha256)


@pytest.fixture
def numbered_files(tmp_path: Path) -> list[Path]:
    """250 small files, two of them alike: more than one batch."""
    paths = [tmp_path / f"{number:03}" for number in range(250)]
    for number, path in enumerate(paths):
        path.write_text(str(max(number, 1)))
    return paths


def test_broken_streams_are_repeated(make_settings: MakeSettings, numbered_files: list[Path]) -> None:
    """Images of a stream that broke count as new, once, and copies within the upload as already there."""
    store = BreakingStore()
    with (
        ScriptedServer({"FindImages": store.find, "UploadImages": store.upload}) as server,
        Client(make_settings(server.address)) as client,
    ):
        results = list(client.upload_images(PROJECT, numbered_files))
    assert outcomes(results) == ["created", "already there", *["created"] * 248]
    assert len(store.stored) == 249


def test_finding_known_files_is_as_patient_as_sending_them(
    make_settings: MakeSettings, numbered_files: list[Path]
) -> None:
    """A service that is away when the upload asks what is there is waited for."""
    store = BreakingStore()

    def away(call: ScriptedCall) -> images_pb2.FindImagesResponse:
        if call.number <= 6:
            call.fail(grpc.StatusCode.UNAVAILABLE)
        return store.find(call)

    with (
        ScriptedServer({"FindImages": away, "UploadImages": store.upload}) as server,
        Client(make_settings(server.address)) as client,
    ):
        assert outcomes(list(client.upload_images(PROJECT, numbered_files[:3]))) == [
            "created", "already there", "created",
        ]  # fmt: skip


def test_upload_gives_up_on_an_absent_service(make_settings: MakeSettings, numbered_files: list[Path]) -> None:
    """An upload ends with who did not answer once its patience has."""

    def break_off(call: ScriptedCall) -> None:
        call.fail(grpc.StatusCode.UNAVAILABLE)

    with (
        ScriptedServer({"FindImages": BreakingStore().find, "UploadImages": break_off}) as server,
        Client(make_settings(server.address)) as client,
        pytest.raises(CustomVisionError, match=server.address),
    ):
        list(client.upload_images(PROJECT, numbered_files, patience_seconds=0.5))


def sizes(groups: Iterator[list[Path]]) -> list[list[int]]:
    """Returns the sizes of the files of each batch."""
    return [[path.stat().st_size for path in group] for group in groups]


def test_batches_stay_small(tmp_path: Path) -> None:
    """No batch passes 24 MiB or 200 files, and none is empty."""
    for number in range(9):
        with (tmp_path / str(number)).open("wb") as file:
            file.truncate(MAX_IMAGE_BYTES - 1)
    groups = sizes(batches(sorted(tmp_path.iterdir())))
    assert [len(group) for group in groups] == [4, 4, 1]
    assert all(sum(group) <= MAX_BATCH_BYTES for group in groups)
