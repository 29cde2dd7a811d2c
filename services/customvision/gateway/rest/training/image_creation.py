"""Makes images of files, URLs and stored predictions."""

import asyncio
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from customvision.gateway.api_errors import ApiError
from customvision.gateway.bodies import COPIES_OF_JSON, MAX_BATCH_BYTES, read_json
from customvision.gateway.image_files import KEPT_BYTES, ImageFile, image_files
from customvision.gateway.links import Links
from customvision.gateway.rest.documented import body, image_body
from customvision.gateway.rest.fields import check_batch, ids
from customvision.gateway.rest.models.images import (
    ImageCreateSummary,
    ImageFileCreateBatch,
    ImageFileCreateEntry,
    ImageIdCreateBatch,
    ImageUrlCreateBatch,
)
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.rest.training.image_summaries import image_create_summary
from customvision.gateway.rest.versions import TrainingVersion
from customvision.gateway.room import CALL_BYTES, Room
from customvision.gateway.services import Services
from customvision.v1 import images_pb2, stored_predictions_pb2

MAX_IMAGES = 64
MAX_TAGS = 20
MAX_FILE_NAME_CHARACTERS = 255
PARTIAL: dict[int | str, dict[str, Any]] = {
    207: {"model": ImageCreateSummary, "description": "Not every image is new and stored; from version 3.3 on."}
}


@dataclass(frozen=True)
class Upload:
    """A file on its way to the project service. Its bytes are copied into a message only when they leave."""

    data: bytes
    file_name: str
    tag_ids: Sequence[str] = ()


def image_creation_routes(services: Services, links: Links, room: Room) -> APIRouter:
    """Returns the routes that make images. Bodies with image data wait for room."""
    routes, project = routes_about("Images"), services.project

    async def create(
        project_id: UUID, uploads: Sequence[Upload], tag_ids: Sequence[str], metadata: dict[str, str]
    ) -> list[images_pb2.ImageCreateResult]:
        results: list[images_pb2.ImageCreateResult] = []
        for group in call_groups(uploads):
            call = images_pb2.CreateImagesRequest(
                project_id=str(project_id), images=map(_message, group), tag_ids=tag_ids, metadata=metadata
            )
            results += (await project.CreateImages(call)).results
        return results

    @routes.post(
        "/projects/{project_id}/images",
        operation_id="CreateImagesFromData",
        openapi_extra=image_body(),
        responses=PARTIAL,
    )
    async def create_images_from_data(
        version: TrainingVersion,
        project_id: UUID,
        request: Request,
        response: Response,
        tag_ids: Annotated[str | None, Query(alias="tagIds", description="Ids, parted by commas.")] = None,
    ) -> ImageCreateSummary:
        tags = ids(tag_ids, "tagIds", MAX_TAGS)
        async with image_files(request, room) as files:
            results = await create(project_id, [_upload(file) for file in files], tags, {})
            # The API tells a file's name with the quotes that it has in the form.
            sources = [None if file.name is None else f'"{file.name}"' for file in files]
        return image_create_summary(results, sources, request, response, version=version, links=links)

    @routes.post(
        "/projects/{project_id}/images/files",
        operation_id="CreateImagesFromFiles",
        openapi_extra=body(ImageFileCreateBatch, required=True),
        responses=PARTIAL,
    )
    async def create_images_from_files(
        version: TrainingVersion, project_id: UUID, request: Request, response: Response
    ) -> ImageCreateSummary:
        with room.place(MAX_BATCH_BYTES, COPIES_OF_JSON) as place:
            batch = await read_json(request, ImageFileCreateBatch, limit=MAX_BATCH_BYTES, place=place)
            tags = _checked(batch.images, batch.tag_ids)
            uploads = await asyncio.to_thread(_decoded, batch.images)
            results = await create(project_id, uploads, tags, batch.metadata or {})
        sources = [entry.name for entry in batch.images]
        return image_create_summary(results, sources, request, response, version=version, links=links)

    @routes.post(
        "/projects/{project_id}/images/urls",
        operation_id="CreateImagesFromUrls",
        openapi_extra=body(ImageUrlCreateBatch, required=True),
        responses=PARTIAL,
    )
    async def create_images_from_urls(
        version: TrainingVersion, project_id: UUID, request: Request, response: Response
    ) -> ImageCreateSummary:
        batch = await read_json(request, ImageUrlCreateBatch)
        call = images_pb2.CreateImagesFromUrlsRequest(
            project_id=str(project_id),
            tag_ids=_checked(batch.images, batch.tag_ids),
            images=[images_pb2.ImageUrl(url=entry.url, tag_ids=_texts(entry.tag_ids)) for entry in batch.images],
            metadata=batch.metadata or {},
        )
        results = (await project.CreateImagesFromUrls(call)).results
        sources = [entry.url for entry in batch.images]
        return image_create_summary(results, sources, request, response, version=version, links=links)

    @routes.post(
        "/projects/{project_id}/images/predictions",
        operation_id="CreateImagesFromPredictions",
        openapi_extra=body(ImageIdCreateBatch, required=True),
        responses=PARTIAL,
    )
    async def create_images_from_predictions(
        version: TrainingVersion, project_id: UUID, request: Request, response: Response
    ) -> ImageCreateSummary:
        batch = await read_json(request, ImageIdCreateBatch)
        call = stored_predictions_pb2.CreateImagesFromPredictionsRequest(
            project_id=str(project_id),
            tag_ids=_checked(batch.images, batch.tag_ids),
            corrections=[
                stored_predictions_pb2.PredictionCorrection(prediction_id=str(entry.id), tag_ids=_texts(entry.tag_ids))
                for entry in batch.images
            ],
            metadata=batch.metadata or {},
        )
        results = (await project.CreateImagesFromPredictions(call)).results
        sources = [str(entry.id) for entry in batch.images]
        return image_create_summary(results, sources, request, response, version=version, links=links)

    return routes


def call_groups(uploads: Iterable[Upload]) -> Iterator[list[Upload]]:
    """Yields the uploads in order, in groups that one call takes."""
    group: list[Upload] = []
    size = 0
    for upload in uploads:
        if group and size + len(upload.data) > CALL_BYTES:
            yield group
            group, size = [], 0
        group.append(upload)
        size += len(upload.data)
    if group:
        yield group


def _message(upload: Upload) -> images_pb2.ImageUpload:
    return images_pb2.ImageUpload(image_data=upload.data, file_name=upload.file_name, tag_ids=upload.tag_ids)


def _upload(file: ImageFile) -> Upload:
    return Upload(file.data, _file_name(file.name))


def _decoded(entries: Iterable[ImageFileCreateEntry]) -> list[Upload]:
    return [
        Upload(
            data=_bytes(entry.contents, f"images.{number}.contents")[:KEPT_BYTES],
            file_name=_file_name(entry.name),
            tag_ids=_texts(entry.tag_ids),
        )
        for number, entry in enumerate(entries)
    ]


def _bytes(text: str, name: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        pass
    # Line breaks, the alphabet for URLs, no padding: all are seen.
    bare = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except ValueError as error:
        raise ApiError("BadRequestImageStream", f"'{name}' is not base64.") from error


def _file_name(name: str | None) -> str:
    """Returns a name as people know the file by: no folders, nothing unprintable, cut to what is kept."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, last))[-MAX_FILE_NAME_CHARACTERS:]


def _checked(entries: Sequence[Any], tag_ids: Sequence[UUID] | None) -> list[str]:
    """Returns the batch's tags. Raises ApiError where the batch is too large or asks for object detection."""
    check_batch(entries, "images", MAX_IMAGES)
    check_batch(tag_ids or (), "tagIds", MAX_TAGS)
    if not entries:
        raise ApiError("BadRequestImageBatch", "'images' is empty; name at least one.")
    if any(entry.regions for entry in entries):
        raise ApiError("BadRequestNotSupported", "'regions' belong to object detection, which there is none of here.")
    return _texts(tag_ids)


def _texts(tag_ids: Iterable[UUID] | None) -> list[str]:
    return [str(tag_id) for tag_id in tag_ids or ()]
