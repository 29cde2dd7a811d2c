"""The calls that add images."""

from collections.abc import AsyncIterator
from typing import Any

from customvision.common.opening_stream import OpeningStream
from customvision.project.domain.image_source import ImageSource
from customvision.project.domain.image_upload import ImageCreateResult, ImageUpload
from customvision.project.servicer.conversions import value_of
from customvision.project.servicer.images import image_message
from customvision.project.use_cases.image_intake import ImageIntake
from customvision.project.use_cases.images_from_urls import ImagesFromUrls
from customvision.v1 import images_pb2


class UploadMethods:
    """Translates the calls that add images."""

    _intake: ImageIntake
    _images_from_urls: ImagesFromUrls

    async def CreateImages(
        self, request: images_pb2.CreateImagesRequest, context: Any
    ) -> images_pb2.CreateImagesResponse:
        """Adds up to 64 images."""
        uploads = [_upload(image) for image in request.images]
        project_id, tag_ids, metadata = request.project_id, list(request.tag_ids), dict(request.metadata)
        # It holds the images once more.
        del request
        adding = self._intake.add(project_id, tag_ids, uploads, metadata)
        del uploads
        results = await adding
        return images_pb2.CreateImagesResponse(results=map(result_message, results))

    async def CreateImagesFromUrls(
        self, request: images_pb2.CreateImagesFromUrlsRequest, context: Any
    ) -> images_pb2.CreateImagesResponse:
        """Fetches and adds up to 64 images."""
        sources = [ImageSource(image.url, tuple(image.tag_ids), dict(image.metadata)) for image in request.images]
        results = await self._images_from_urls.add(
            request.project_id, list(request.tag_ids), sources, dict(request.metadata)
        )
        return images_pb2.CreateImagesResponse(results=map(result_message, results))

    async def UploadImages(
        self, request_iterator: AsyncIterator[images_pb2.UploadImagesRequest], context: Any
    ) -> images_pb2.UploadImagesResponse:
        """Adds any number of images."""
        stream: OpeningStream[images_pb2.UploadImagesRequest] = OpeningStream(request_iterator, "image")
        header = (await stream.header()).header
        uploads = (_upload(message.image) async for message in stream.rest())
        summary = await self._intake.add_stream(header.project_id, list(header.tag_ids), uploads, dict(header.metadata))
        return images_pb2.UploadImagesResponse(
            created_count=summary.created_count,
            duplicate_count=summary.duplicate_count,
            failed_count=summary.failed_count,
            results=(_brief(result) for result in summary.results),
        )


def result_message(result: ImageCreateResult) -> images_pb2.ImageCreateResult:
    """Returns the message of a result, with the whole image."""
    message = _brief(result)
    if result.image is not None:
        message.image.CopyFrom(image_message(result.image))
    return message


def _brief(result: ImageCreateResult) -> images_pb2.ImageCreateResult:
    return images_pb2.ImageCreateResult(
        index=result.index,
        status=value_of(images_pb2.ImageCreateStatus, result.status),
        image_id=result.image.image_id if result.image else "",
        file_name=result.file_name,
        message=result.message,
    )


def _upload(message: images_pb2.ImageUpload) -> ImageUpload:
    return ImageUpload(
        data=message.image_data,
        tag_ids=tuple(message.tag_ids),
        file_name=message.file_name,
        metadata=dict(message.metadata),
    )
