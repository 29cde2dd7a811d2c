"""The calls about images but for uploads."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

from customvision.project.domain.image import Image, ImageFilter, ImageOrder, ImageVariant, TaggingStatus
from customvision.project.domain.image_metadata import ImageMetadataResult
from customvision.project.domain.metadata_filter import parse_metadata_filter
from customvision.project.servicer.conversions import member_of, timestamp_of, value_of
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.image_files import ImageFile
from customvision.project.use_cases.images import Images
from customvision.project.use_cases.pages import PageRequest
from customvision.v1 import images_pb2

CHUNK_BYTES = 1024 * 1024


class ImageMethods:
    """Translates the calls that read, watch, tag and delete images."""

    _images: Images
    _arrivals: ImageArrivals

    async def FindImages(self, request: images_pb2.FindImagesRequest, context: Any) -> images_pb2.FindImagesResponse:
        """Tells which files a project holds already."""
        found = await self._images.find(request.project_id, list(request.source_sha256s))
        return images_pb2.FindImagesResponse(images=map(image_message, found))

    async def ListImages(self, request: images_pb2.ListImagesRequest, context: Any) -> images_pb2.ListImagesResponse:
        """Returns one page of images."""
        page = await self._images.page(_filter(request), PageRequest(request.page_size, request.page_token))
        return images_pb2.ListImagesResponse(
            images=map(image_message, page.items), next_page_token=page.next_page_token
        )

    async def CountImages(self, request: images_pb2.CountImagesRequest, context: Any) -> images_pb2.CountImagesResponse:
        """Returns how many images there are."""
        selected = ImageFilter(
            project_id=request.project_id,
            tag_ids=tuple(sorted(set(request.tag_ids))),
            tagging_status=_tagging_status(request.tagging_status),
            iteration_id=request.iteration_id,
            metadata=parse_metadata_filter(request.filter),
        )
        return images_pb2.CountImagesResponse(image_count=await self._images.count(selected))

    async def UpdateImageMetadata(
        self, request: images_pb2.UpdateImageMetadataRequest, context: Any
    ) -> images_pb2.UpdateImageMetadataResponse:
        """Sets pairs of metadata on images."""
        results = await self._images.update_metadata(
            request.project_id, list(request.image_ids), dict(request.metadata)
        )
        return images_pb2.UpdateImageMetadataResponse(results=map(_metadata_message, results))

    async def GetImage(self, request: images_pb2.GetImageRequest, context: Any) -> images_pb2.Image:
        """Returns an image's record."""
        return image_message(await self._images.get(request.project_id, request.image_id))

    async def GetImageContent(
        self, request: images_pb2.GetImageContentRequest, context: Any
    ) -> AsyncIterator[images_pb2.ImageContentChunk]:
        """Streams an image's bytes."""
        variant = image_variant(request.variant)
        file = await self._images.content(request.project_id, request.image_id, variant)
        for chunk in content_chunks(file, request.image_id):
            yield chunk

    async def DownloadImages(
        self, request: images_pb2.DownloadImagesRequest, context: Any
    ) -> AsyncIterator[images_pb2.ImageContentChunk]:
        """Streams the bytes of many images."""
        async with aclosing(self._images.download(request.project_id, list(request.image_ids))) as images:
            async for image in images:
                for chunk in content_chunks(image.file, image.image_id):
                    yield chunk

    async def WatchImages(
        self, request: images_pb2.WatchImagesRequest, context: Any
    ) -> AsyncIterator[images_pb2.WatchImagesResponse]:
        """Tells which images there are, then of each that comes, without end."""
        async with aclosing(self._arrivals.watch(request.after_sequence)) as batches:
            async for batch in batches:
                yield images_pb2.WatchImagesResponse(images=(images_pb2.ImageArrival(**vars(it)) for it in batch))

    async def DeleteImages(
        self, request: images_pb2.DeleteImagesRequest, context: Any
    ) -> images_pb2.DeleteImagesResponse:
        """Takes images out of the current data set."""
        delete = self._images.delete_all if request.all_images else self._images.delete
        count = await delete(request.project_id, list(request.image_ids), all_iterations=request.all_iterations)
        return images_pb2.DeleteImagesResponse(deleted_count=count)

    async def TagImages(self, request: images_pb2.TagImagesRequest, context: Any) -> images_pb2.TagImagesResponse:
        """Gives tags to images."""
        count = await self._images.tag(request.project_id, list(request.image_ids), list(request.tag_ids))
        return images_pb2.TagImagesResponse(added_count=count)

    async def UntagImages(self, request: images_pb2.UntagImagesRequest, context: Any) -> images_pb2.UntagImagesResponse:
        """Takes tags from images."""
        count = await self._images.untag(request.project_id, list(request.image_ids), list(request.tag_ids))
        return images_pb2.UntagImagesResponse(removed_count=count)


def image_message(image: Image) -> images_pb2.Image:
    """Returns the message of an image."""
    content = image.content
    return images_pb2.Image(
        image_id=image.image_id,
        project_id=image.project_id,
        tag_ids=image.tag_ids,
        file_name=image.file_name,
        width=content.width,
        height=content.height,
        content_type=content.content_type,
        size_bytes=content.size_bytes,
        source_sha256=content.source_sha256,
        content_sha256=content.content_sha256,
        create_time=timestamp_of(image.create_time),
        metadata=image.metadata,
        tags=(
            images_pb2.ImageTag(tag_id=tag.tag_id, tag_name=tag.tag_name, create_time=timestamp_of(tag.create_time))
            for tag in image.tags
        ),
    )


def _filter(request: images_pb2.ListImagesRequest) -> ImageFilter:
    return ImageFilter(
        project_id=request.project_id,
        tag_ids=tuple(sorted(set(request.tag_ids))),
        tagging_status=_tagging_status(request.tagging_status),
        iteration_id=request.iteration_id,
        metadata=parse_metadata_filter(request.filter),
        image_ids=tuple(sorted(set(request.image_ids))),
        skip=request.skip,
        order=member_of(
            ImageOrder, images_pb2.ImageOrder, request.order, field="order", default=ImageOrder.OLDEST_FIRST
        ),
    )


def _tagging_status(value: int) -> TaggingStatus:
    return member_of(TaggingStatus, images_pb2.TaggingStatus, value, field="tagging_status", default=TaggingStatus.ALL)


def _metadata_message(result: ImageMetadataResult) -> images_pb2.ImageMetadataResult:
    return images_pb2.ImageMetadataResult(
        image_id=result.image_id,
        status=value_of(images_pb2.ImageMetadataStatus, result.status),
        metadata=result.metadata,
    )


def image_variant(value: int) -> ImageVariant:
    """Returns the variant that a request asks for. Raises EnumValueInvalid."""
    return member_of(ImageVariant, images_pb2.ImageVariant, value, field="variant", default=ImageVariant.FULL)


def content_chunks(file: ImageFile | None, image_id: str = "") -> Iterator[images_pb2.ImageContentChunk]:
    """Yields the messages of an image's bytes, or the one that says that there are none."""
    if file is None:
        yield images_pb2.ImageContentChunk(image_id=image_id, missing=True, last=True)
        return
    for start in range(0, len(file.data), CHUNK_BYTES):
        end = start + CHUNK_BYTES
        yield images_pb2.ImageContentChunk(
            image_id=image_id,
            content_type=file.content_type,
            data=file.data[start:end],
            last=end >= len(file.data),
        )
