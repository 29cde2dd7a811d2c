"""Takes images in: validated and cleaned on worker threads, stored in groups, then acknowledged."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from customvision.common.authentication import Role
from customvision.common.database import Database
from customvision.common.errors import ServiceError
from customvision.common.message_room import Holding, MessageRoom
from customvision.common.open_streams import OpenStreams
from customvision.common.processors import available_cores
from customvision.project.domain.image_metadata import NO_METADATA, Metadata
from customvision.project.domain.image_preparation import PreparedImage, prepare_image
from customvision.project.domain.image_upload import (
    MAX_BATCH,
    MAX_TAGS,
    REFUSALS,
    ImageCreateResult,
    ImageUpload,
    UploadSummary,
)
from customvision.project.domain.text import checked_count, checked_some
from customvision.project.store.blobs import BlobStore
from customvision.project.use_cases.blob_keeping import keep_until_named
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.image_recording import Candidate, record_images
from customvision.project.use_cases.lookups import require_whole

# What the images of all streams may hold until they are stored, each a few times while it is prepared.
STREAMED_BYTES = 96 * 1024 * 1024
# What has come is stored where the next image takes longer.
PAUSE_SECONDS = 1.0
# What one group of a stream holds: enough to share its fsyncs, little enough to keep memory bounded.
GROUP_IMAGES = 32
GROUP_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class _Arrival:
    """An image of a batch or stream while its bytes are prepared."""

    index: int
    file_name: str
    tag_ids: tuple[str, ...]
    metadata: Metadata
    size_bytes: int
    prepared: "asyncio.Future[PreparedImage | ServiceError]"


class ImageIntake:
    """Adds images to projects. What is acknowledged is durable."""

    def __init__(self, database: Database, blobs: BlobStore, arrivals: ImageArrivals) -> None:
        self._database = database
        self._blobs = blobs
        self._arrivals = arrivals
        self._streams = OpenStreams()
        self._room = MessageRoom(size=STREAMED_BYTES)
        self._decoders = ThreadPoolExecutor(available_cores(), thread_name_prefix="decoder")

    async def add(
        self,
        project_id: str,
        tag_ids: Sequence[str],
        uploads: Sequence[ImageUpload],
        metadata: Metadata = NO_METADATA,
    ) -> list[ImageCreateResult]:
        """Adds a batch of 1 to 64 images, each with ``tag_ids`` and ``metadata`` beside its own, which goes first.

        There is one result each, in order.

        Raises ProjectNotFound, ProjectImporting, ProjectImportFailed, StorageFull, and TooManyItems, NothingGiven or
        TextTooLong where the batch is not well formed.
        """
        checked_some(uploads, MAX_BATCH, "images")
        checked_count(tag_ids, MAX_TAGS, "tag_ids")
        for index, upload in enumerate(uploads):
            upload.check(f"images[{index}]")
        await self._check_project(project_id)
        arrivals = [self._arrival(*entry, tag_ids, metadata) for entry in enumerate(uploads)]
        # Each goes once it is prepared.
        del uploads
        return await self._store(project_id, arrivals)

    async def add_stream(
        self,
        project_id: str,
        tag_ids: Sequence[str],
        uploads: AsyncIterator[ImageUpload],
        metadata: Metadata = NO_METADATA,
    ) -> UploadSummary:
        """Adds images as they come; the next group is read and decoded while one is stored.

        Raises as add does; what was stored until then, or was being stored, stays. Raises TooManyStreams, and
        StreamSilent where nothing came for long and another stream needed its place.
        """
        checked_count(tag_ids, MAX_TAGS, "header.tag_ids")
        await self._check_project(project_id)
        summary = UploadSummary()
        storing: asyncio.Task[list[ImageCreateResult]] | None = None
        async with self._streams.place(Role.TRAINING) as place:
            with self._room.holding() as holding:
                try:
                    async for group in self._groups(tag_ids, metadata, uploads, holding):
                        place.note()
                        _sum_up(summary, await asyncio.shield(storing) if storing else ())
                        storing = asyncio.create_task(self._store_of_stream(project_id, group, holding))
                finally:
                    # Also where the stream broke: the group that was being stored stays, and a repeat need not send it.
                    # Shielded, for whoever cancels the stream would cancel what it waits for.
                    if storing:
                        _sum_up(summary, await asyncio.shield(storing))
        return summary

    async def prepare(self, source: bytes) -> PreparedImage:
        """Validates and cleans one image. Raises ImageFormatUnknown, ImageTooLarge, ImageHasTooManyPixels."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, prepare_image, source)

    def close(self) -> None:
        """Waits for what is being decoded."""
        self._decoders.shutdown()

    async def _check_project(self, project_id: str) -> None:
        await self._database.read(lambda connection: require_whole(connection, project_id))

    async def _groups(
        self, tag_ids: Sequence[str], metadata: Metadata, uploads: AsyncIterator[ImageUpload], holding: Holding
    ) -> AsyncGenerator[list[_Arrival], None]:
        """Yields images as they come, as many as share a group; fewer where there is no room, or none comes."""
        group: list[_Arrival] = []
        for index in itertools.count():
            if group and (_is_full(group) or not self._room.is_free):
                yield group
                group = []
            await self._room.wait()
            coming = asyncio.ensure_future(anext(uploads, None))
            try:
                if group and not await _is_prompt(coming):
                    yield group
                    group = []
                upload = await coming
            finally:
                coming.cancel()
            if upload is None:
                break
            upload.check("image")
            holding.take(upload.size_bytes)
            group.append(self._arrival(index, upload, tag_ids, metadata))
            # Not held while the next is waited for.
            del upload, coming
        if group:
            yield group

    async def _store_of_stream(
        self, project_id: str, group: Sequence[_Arrival], holding: Holding
    ) -> list[ImageCreateResult]:
        try:
            return await self._store(project_id, group)
        finally:
            holding.let_go(len(group), sum(arrival.size_bytes for arrival in group))

    def _arrival(self, index: int, upload: ImageUpload, tag_ids: Sequence[str], metadata: Metadata) -> _Arrival:
        # Decoding begins at once; the bytes are let go of with the upload, not kept until the group is stored.
        prepared = asyncio.get_running_loop().run_in_executor(self._decoders, _prepare_or_refuse, upload.data)
        return _Arrival(
            index,
            upload.file_name,
            (*tag_ids, *upload.tag_ids),
            {**metadata, **upload.metadata},
            upload.size_bytes,
            prepared,
        )

    async def _store(self, project_id: str, group: Sequence[_Arrival]) -> list[ImageCreateResult]:
        outcomes = [await arrival.prepared for arrival in group]
        candidates = [
            Candidate(
                arrival.index,
                arrival.file_name,
                arrival.tag_ids,
                outcome.content if isinstance(outcome, PreparedImage) else outcome,
                arrival.metadata,
            )
            for arrival, outcome in zip(group, outcomes, strict=True)
        ]
        blobs = blobs_of(outcome for outcome in outcomes if isinstance(outcome, PreparedImage))
        async with keep_until_named(self._database, self._blobs, blobs):
            await self._blobs.write(blobs)
            try:
                return await self._database.write(lambda connection: record_images(connection, project_id, candidates))
            finally:
                # Also where the caller went: what it sent may be stored.
                self._arrivals.announce()


def blobs_of(prepared: Iterable[PreparedImage]) -> dict[str, bytes]:
    """Returns the bytes and thumbnails of images by their digests."""
    blobs: dict[str, bytes] = {}
    for image in prepared:
        blobs[image.content.content_sha256] = image.data
        blobs[image.content.thumbnail_sha256] = image.thumbnail
    return blobs


def _is_full(group: Sequence[_Arrival]) -> bool:
    return len(group) == GROUP_IMAGES or sum(arrival.size_bytes for arrival in group) >= GROUP_BYTES


async def _is_prompt(coming: "asyncio.Future[ImageUpload | None]") -> bool:
    done, _ = await asyncio.wait([coming], timeout=PAUSE_SECONDS)
    return bool(done)


def _prepare_or_refuse(source: bytes) -> PreparedImage | ServiceError:
    try:
        return prepare_image(source)
    except REFUSALS as error:
        return error


def _sum_up(summary: UploadSummary, results: Iterable[ImageCreateResult]) -> None:
    for result in results:
        summary.add(result)
