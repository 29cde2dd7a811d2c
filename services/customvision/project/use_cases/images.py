"""Reads, tags and deletes the images of a project."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import structlog

from customvision.common.database import Connection, Database
from customvision.project.domain.image import Image, ImageContent, ImageFileLost, ImageFilter, ImageVariant
from customvision.project.domain.image_preparation import THUMBNAIL_CONTENT_TYPE
from customvision.project.domain.image_upload import MAX_TAGS
from customvision.project.domain.tag import Tag, check_tags_together
from customvision.project.domain.text import checked_count, checked_sha256, checked_some
from customvision.project.store import image_lists, images, tags
from customvision.project.store.blobs import BlobMissing, BlobStore
from customvision.project.use_cases.lookups import (
    require_classification_type,
    require_current_images,
    require_image,
    require_iteration,
    require_tags,
)
from customvision.project.use_cases.pages import Page, PageRequest, read_page

MAX_IMAGES = 1000
MAX_DOWNLOADS = 10_000
# Blobs read ahead of a download: hides the disk, and bounds memory to that many images.
READ_AHEAD = 4

log = structlog.get_logger()


@dataclass(frozen=True)
class ImageFile:
    """An image's bytes; ``data`` is None where the image was deleted or its file is lost."""

    image_id: str
    content_type: str
    data: bytes | None


class Images:
    """What can be done with images. Every method raises ProjectNotFound or ImageNotFound where there is none."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def get(self, project_id: str, image_id: str) -> Image:
        """Returns an image's record, also of one that only past iterations hold."""
        return await self._database.read(lambda connection: require_image(connection, project_id, image_id))

    async def find(self, project_id: str, source_sha256s: Sequence[str]) -> list[Image]:
        """Returns the current images that were uploaded as files of these digests. Raises DigestInvalid."""
        checked_count(source_sha256s, MAX_IMAGES, "source_sha256s")
        digests = [checked_sha256(digest, f"source_sha256s[{index}]") for index, digest in enumerate(source_sha256s)]

        def find(connection: Connection) -> list[Image]:
            require_classification_type(connection, project_id)
            return images.find_sources(connection, project_id, digests)

        return await self._database.read(find)

    async def page(self, selected: ImageFilter, request: PageRequest) -> Page[Image]:
        """Returns the images that the filter selects. Raises IterationNotFound or TagNotFound."""
        checked_count(selected.tag_ids, MAX_TAGS, "tag_ids")

        def load(connection: Connection, after: int | None, limit: int) -> list[Image]:
            if selected.iteration_id:
                iteration = require_iteration(connection, selected.project_id, selected.iteration_id)
                return image_lists.iteration_page(connection, iteration.sequence, selected, after=after, limit=limit)
            require_classification_type(connection, selected.project_id)
            require_tags(connection, selected.project_id, selected.tag_ids)
            return image_lists.page(connection, selected, after=after, limit=limit)

        return await read_page(self._database, request, load, "images", selected)

    async def content(self, project_id: str, image_id: str, variant: ImageVariant) -> ImageFile:
        """Returns the bytes of an image. Raises ImageFileLost."""
        image = await self.get(project_id, image_id)
        content = image.content
        full = variant is ImageVariant.FULL
        data = await self._read(image_id, content.content_sha256 if full else content.thumbnail_sha256)
        if data is None:
            raise ImageFileLost(image_id)
        return ImageFile(image_id, content.content_type if full else THUMBNAIL_CONTENT_TYPE, data)

    async def download(self, project_id: str, image_ids: Sequence[str]) -> AsyncGenerator[ImageFile, None]:
        """Yields the bytes of many images in the order asked for, a few read ahead. Raises TooManyItems."""
        checked_count(image_ids, MAX_DOWNLOADS, "image_ids")

        def find(connection: Connection) -> dict[str, ImageContent]:
            require_classification_type(connection, project_id)
            return images.find_content(connection, project_id, image_ids)

        contents = await self._database.read(find)
        ahead: deque[asyncio.Task[ImageFile]] = deque()
        try:
            for image_id in image_ids:
                ahead.append(asyncio.create_task(self._file(image_id, contents.get(image_id))))
                if len(ahead) > READ_AHEAD:
                    yield await ahead.popleft()
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()

    async def delete(self, project_id: str, image_ids: Sequence[str], *, all_iterations: bool) -> int:
        """Takes images out of the current data set and returns how many were in it; files go later."""
        checked_some(image_ids, MAX_IMAGES, "image_ids")

        def delete(connection: Connection) -> int:
            require_classification_type(connection, project_id)
            return images.delete(connection, project_id, image_ids, all_iterations=all_iterations)

        return await self._database.write(delete)

    async def tag(self, project_id: str, image_ids: Sequence[str], tag_ids: Sequence[str]) -> int:
        """Gives every tag to every image, or changes nothing; returns how many pairs are new.

        Raises TagNotFound, TagLimitReached, NegativeBesideRegularTag.
        """
        _check_pairs(image_ids, tag_ids)

        def tag(connection: Connection) -> int:
            classification_type = require_classification_type(connection, project_id)
            added = require_tags(connection, project_id, tag_ids)
            chosen = require_current_images(connection, project_id, image_ids)
            known = tags.find_several(connection, project_id, {held for image in chosen for held in image.tag_ids})
            for image in chosen:
                held = [known[tag_id] for tag_id in image.tag_ids]
                check_tags_together(classification_type, held, added, image=f"Image {image.image_id}")
            return images.add_tags(connection, [image.sequence for image in chosen], added)

        return await self._database.write(tag)

    async def untag(self, project_id: str, image_ids: Sequence[str], tag_ids: Sequence[str]) -> int:
        """Takes every tag from every image; returns how many pairs there were. Raises TagNotFound."""
        _check_pairs(image_ids, tag_ids)

        def untag(connection: Connection) -> int:
            require_classification_type(connection, project_id)
            taken: list[Tag] = require_tags(connection, project_id, tag_ids)
            chosen = require_current_images(connection, project_id, image_ids)
            return images.remove_tags(connection, [image.sequence for image in chosen], taken)

        return await self._database.write(untag)

    async def _file(self, image_id: str, content: ImageContent | None) -> ImageFile:
        if content is None:
            return ImageFile(image_id, "", None)
        return ImageFile(image_id, content.content_type, await self._read(image_id, content.content_sha256))

    async def _read(self, image_id: str, sha256: str) -> bytes | None:
        try:
            return await self._blobs.read(sha256)
        except BlobMissing:
            log.error("an image's file is lost or damaged", image_id=image_id, sha256=sha256)
            return None


def _check_pairs(image_ids: Sequence[str], tag_ids: Sequence[str]) -> None:
    checked_some(image_ids, MAX_IMAGES, "image_ids")
    checked_some(tag_ids, MAX_TAGS, "tag_ids")
