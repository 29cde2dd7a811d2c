"""Reads, tags and deletes the images of a project."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from customvision.common.database import Connection, Database
from customvision.common.pagination import checked_skip
from customvision.project.domain.image import (
    Image,
    ImageContent,
    ImageFileLost,
    ImageFilter,
    ImageIdsNotAllowed,
    ImageVariant,
)
from customvision.project.domain.image_metadata import ImageMetadataResult, Metadata, check_metadata
from customvision.project.domain.image_upload import MAX_TAGS
from customvision.project.domain.tag import Tag, check_tags_together
from customvision.project.domain.text import checked_count, checked_sha256, checked_some
from customvision.project.store import image_lists, images, tags
from customvision.project.store.blobs import BlobStore
from customvision.project.store.columns import now
from customvision.project.use_cases.image_files import ImageFile, read_image_file
from customvision.project.use_cases.image_metadata_changes import change_metadata
from customvision.project.use_cases.lookups import (
    require_classification_type,
    require_current_images,
    require_image,
    require_iteration,
    require_tags,
    require_whole,
)
from customvision.project.use_cases.pages import Page, PageRequest, read_page

MAX_IMAGES = 1000
MAX_DOWNLOADS = 10_000
# Blobs read ahead of a download: hides the disk, and bounds memory to that many images.
READ_AHEAD = 4
# What one transaction deletes of all images: so few that other writes wait for hundredths of a second.
DELETED_AT_ONCE = 200


@dataclass(frozen=True)
class DownloadedImage:
    """One image of a download; ``file`` is None where the image was deleted or its file is lost."""

    image_id: str
    file: ImageFile | None


class Images:
    """What can be done with images. Every method raises ProjectNotFound or ImageNotFound where there is none.

    Those that change something also raise ProjectImporting or ProjectImportFailed.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def get(self, project_id: str, image_id: str) -> Image:
        """Returns an image's record, also of one that only past iterations hold."""
        return await self._database.read(lambda connection: require_image(connection, project_id, image_id))

    async def find(self, project_id: str, source_sha256s: Sequence[str]) -> list[Image]:
        """Returns the current images that were uploaded as files of these digests, but for those whose file is lost.

        Raises DigestInvalid.
        """
        checked_count(source_sha256s, MAX_IMAGES, "source_sha256s")
        digests = [checked_sha256(digest, f"source_sha256s[{index}]") for index, digest in enumerate(source_sha256s)]

        def find(connection: Connection) -> list[Image]:
            require_classification_type(connection, project_id)
            return images.find_sources(connection, project_id, digests)

        found = await self._database.read(find)
        lost = await self._blobs.missing(digest for image in found for digest in image.content.blobs)
        return [image for image in found if lost.isdisjoint(image.content.blobs)]

    async def page(self, selected: ImageFilter, request: PageRequest) -> Page[Image]:
        """Returns the images that the filter selects. Raises IterationNotFound, TagNotFound or BadSkip."""
        _check_filter(selected)

        def load(connection: Connection, after: int | None, limit: int) -> list[Image]:
            iteration = _require_data_set(connection, selected)
            if iteration is not None:
                return image_lists.iteration_page(connection, iteration, selected, after=after, limit=limit)
            return image_lists.page(connection, selected, after=after, limit=limit)

        return await read_page(self._database, request, load, "images", selected)

    async def count(self, selected: ImageFilter) -> int:
        """Returns how many images the filter selects. Raises IterationNotFound or TagNotFound."""
        _check_filter(selected)
        return await self._database.read(
            lambda connection: image_lists.count(connection, selected, _require_data_set(connection, selected))
        )

    async def content(self, project_id: str, image_id: str, variant: ImageVariant) -> ImageFile:
        """Returns the bytes of an image. Raises ImageFileLost."""
        image = await self.get(project_id, image_id)
        file = await read_image_file(self._blobs, image.content, variant)
        if file is None:
            raise ImageFileLost(image_id)
        return file

    async def download(self, project_id: str, image_ids: Sequence[str]) -> AsyncGenerator[DownloadedImage, None]:
        """Yields the bytes of many images in the order asked for, a few read ahead. Raises TooManyItems."""
        checked_count(image_ids, MAX_DOWNLOADS, "image_ids")

        def find(connection: Connection) -> dict[str, ImageContent]:
            require_classification_type(connection, project_id)
            return images.find_content(connection, project_id, image_ids)

        contents = await self._database.read(find)
        ahead: deque[asyncio.Task[DownloadedImage]] = deque()
        try:
            for image_id in image_ids:
                ahead.append(asyncio.create_task(self._download(image_id, contents.get(image_id))))
                if len(ahead) > READ_AHEAD:
                    yield await ahead.popleft()
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()

    async def delete(self, project_id: str, image_ids: Sequence[str], *, all_iterations: bool) -> int:
        """Takes images out of the current data set and returns how many were in it; files go later.

        ``all_iterations`` takes them out of past iterations too.
        """
        checked_some(image_ids, MAX_IMAGES, "image_ids")

        def delete(connection: Connection) -> int:
            require_whole(connection, project_id)
            return images.delete(connection, project_id, image_ids, all_iterations=all_iterations)

        return await self._database.write(delete)

    async def delete_all(self, project_id: str, image_ids: Sequence[str], *, all_iterations: bool) -> int:
        """Takes all images that there are when it begins out of the current data set; returns how many were in it.

        It does so part by part, so that others can write in between; broken off, it can be repeated. With
        ``all_iterations`` those that only past iterations hold go as well. Raises ImageIdsNotAllowed.
        """
        if image_ids:
            raise ImageIdsNotAllowed

        def begin(connection: Connection) -> int:
            require_whole(connection, project_id)
            return images.last_sequence(connection)

        last = await self._database.read(begin)

        def delete_some(connection: Connection) -> tuple[int, int]:
            ids = images.some_ids(connection, project_id, last=last, limit=DELETED_AT_ONCE, past=all_iterations)
            return len(ids), images.delete(connection, project_id, ids, all_iterations=all_iterations)

        deleted, found = 0, 1
        while found:
            found, count = await self._database.write(delete_some)
            deleted += count
        return deleted

    async def update_metadata(
        self, project_id: str, image_ids: Sequence[str], changes: Metadata
    ) -> list[ImageMetadataResult]:
        """Sets pairs of metadata on images, "" removing a key; one result each, in order. Raises MetadataInvalid."""
        checked_some(image_ids, MAX_IMAGES, "image_ids")
        check_metadata(changes)
        return await self._database.write(
            lambda connection: change_metadata(connection, project_id, image_ids, changes)
        )

    async def tag(self, project_id: str, image_ids: Sequence[str], tag_ids: Sequence[str]) -> int:
        """Gives every tag to every image, or changes nothing; returns how many pairs are new.

        Raises TagNotFound, TagLimitReached, NegativeBesideRegularTag.
        """
        _check_pairs(image_ids, tag_ids)

        def tag(connection: Connection) -> int:
            require_whole(connection, project_id)
            classification_type = require_classification_type(connection, project_id)
            added = require_tags(connection, project_id, tag_ids)
            chosen = require_current_images(connection, project_id, image_ids)
            known = tags.find_several(connection, project_id, {held for image in chosen for held in image.tag_ids})
            for image in chosen:
                held = [known[tag_id] for tag_id in image.tag_ids]
                check_tags_together(classification_type, held, added, image=f"Image {image.image_id}")
            return images.add_tags(connection, [image.sequence for image in chosen], added, now())

        return await self._database.write(tag)

    async def untag(self, project_id: str, image_ids: Sequence[str], tag_ids: Sequence[str]) -> int:
        """Takes every tag from every image; returns how many pairs there were. Raises TagNotFound."""
        _check_pairs(image_ids, tag_ids)

        def untag(connection: Connection) -> int:
            require_whole(connection, project_id)
            taken: list[Tag] = require_tags(connection, project_id, tag_ids)
            chosen = require_current_images(connection, project_id, image_ids)
            return images.remove_tags(connection, [image.sequence for image in chosen], taken)

        return await self._database.write(untag)

    async def _download(self, image_id: str, content: ImageContent | None) -> DownloadedImage:
        return DownloadedImage(image_id, await read_image_file(self._blobs, content) if content else None)


def _check_filter(selected: ImageFilter) -> None:
    checked_count(selected.tag_ids, MAX_TAGS, "tag_ids")
    checked_count(selected.image_ids, MAX_IMAGES, "image_ids")
    checked_skip(selected.skip)


def _require_data_set(connection: Connection, selected: ImageFilter) -> int | None:
    """Returns the sequence of the filter's iteration, or None where it is about the current data set."""
    if selected.iteration_id:
        return require_iteration(connection, selected.project_id, selected.iteration_id).sequence
    require_classification_type(connection, selected.project_id)
    require_tags(connection, selected.project_id, selected.tag_ids)
    return None


def _check_pairs(image_ids: Sequence[str], tag_ids: Sequence[str]) -> None:
    checked_some(image_ids, MAX_IMAGES, "image_ids")
    checked_some(tag_ids, MAX_TAGS, "tag_ids")
