"""Adds images that the service fetches itself."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from customvision.common.errors import ServiceError
from customvision.common.url_fetching.errors import URL_ERRORS
from customvision.common.url_fetching.fetcher import FETCHES_OF_A_PROJECT, UrlFetcher
from customvision.project.domain.image_metadata import NO_METADATA, Metadata
from customvision.project.domain.image_source import ImageSource
from customvision.project.domain.image_upload import MAX_BATCH, MAX_TAGS, ImageCreateResult, ImageUpload, refusal
from customvision.project.domain.text import checked_count, checked_some
from customvision.project.use_cases.image_intake import ImageIntake
from customvision.vision.decoding import MAX_BYTES


class ImagesFromUrls:
    """Fetches images a few ahead of what is stored, so that a batch never is in memory as a whole."""

    def __init__(self, intake: ImageIntake, fetcher: UrlFetcher) -> None:
        self._intake = intake
        self._fetcher = fetcher

    async def add(
        self,
        project_id: str,
        tag_ids: Sequence[str],
        sources: Sequence[ImageSource],
        metadata: Metadata = NO_METADATA,
    ) -> list[ImageCreateResult]:
        """Adds 1 to 64 images, each with ``tag_ids`` and ``metadata`` beside its own; one result each, in order.

        Raises ProjectNotFound, StorageFull, TooManyItems, NothingGiven. What was stored until then stays.
        """
        checked_some(sources, MAX_BATCH, "images")
        checked_count(tag_ids, MAX_TAGS, "tag_ids")
        for index, source in enumerate(sources):
            source.check(f"images[{index}]")
        fetched: list[int] = []
        refused: list[ImageCreateResult] = []
        async with aclosing(self._uploads(project_id, sources, fetched, refused)) as uploads:
            summary = await self._intake.add_stream(project_id, tag_ids, uploads, metadata)
        stored = [replace(result, index=fetched[result.index]) for result in summary.results]
        return sorted([*refused, *stored], key=lambda result: result.index)

    async def _uploads(
        self, project_id: str, sources: Sequence[ImageSource], fetched: list[int], refused: list[ImageCreateResult]
    ) -> AsyncGenerator[ImageUpload, None]:
        """Yields what could be fetched and notes its place in ``fetched``; notes the others in ``refused``."""
        async with aclosing(self._outcomes(project_id, sources)) as outcomes:
            index = 0
            async for outcome in outcomes:
                source = sources[index]
                if isinstance(outcome, bytes):
                    fetched.append(index)
                    yield ImageUpload(outcome, source.tag_ids, source.file_name, source.metadata)
                else:
                    refused.append(refusal(index, source.file_name, outcome))
                index += 1

    async def _outcomes(
        self, project_id: str, sources: Sequence[ImageSource]
    ) -> AsyncGenerator[bytes | ServiceError, None]:
        """Yields what became of each source, in order, some fetched ahead."""
        ahead: deque[asyncio.Task[bytes | ServiceError]] = deque()
        try:
            for source in sources:
                ahead.append(asyncio.create_task(self._fetch(project_id, source)))
                if len(ahead) == FETCHES_OF_A_PROJECT:
                    yield await ahead.popleft()
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()

    async def _fetch(self, project_id: str, source: ImageSource) -> bytes | ServiceError:
        try:
            return await self._fetcher.fetch(source.url, MAX_BYTES, project_id)
        except URL_ERRORS as error:
            return error
