"""Gives tags to images and takes them away."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import grpc
from fastapi import APIRouter, Query, Request, Response

from customvision.common.status import error_from_call
from customvision.gateway.api_errors import ApiError
from customvision.gateway.bodies import read_json
from customvision.gateway.rest.documented import body
from customvision.gateway.rest.fields import check_batch, ids
from customvision.gateway.rest.models.images import ImageTagCreateBatch, ImageTagCreateEntry, ImageTagCreateSummary
from customvision.gateway.rest.pages import PAGE_SIZE, all_pages
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.v1 import images_pb2, tags_pb2

if TYPE_CHECKING:
    from customvision.v1.project_service_pb2_grpc import ProjectServiceAsyncStub

MAX_IMAGES, MAX_TAGS = 64, 20
MAX_PAIRS = MAX_IMAGES * MAX_TAGS
CALLS_AT_ONCE = 8
# Why an image cannot carry a tag beside those that it has.
EXCEEDED_REASONS = frozenset({"TAG_LIMIT_REACHED", "NEGATIVE_BESIDE_REGULAR_TAG"})

Pair = tuple[str, str]


def image_tag_routes(services: Services) -> APIRouter:
    """Returns the routes that give and take tags."""
    routes, project = routes_about("Images"), services.project

    @routes.post(
        "/projects/{project_id}/images/tags",
        operation_id="CreateImageTags",
        openapi_extra=body(ImageTagCreateBatch, required=True),
    )
    async def create_image_tags(project_id: UUID, request: Request) -> ImageTagCreateSummary:
        batch = await read_json(request, ImageTagCreateBatch)
        check_batch(batch.tags, "tags", MAX_PAIRS)
        pairs = [(str(entry.image_id), str(entry.tag_id)) for entry in batch.tags]
        if not pairs:
            raise ApiError("BadRequestRequiredParamIsNull", "'tags' is empty; name at least one image and tag.")
        tagging = _Tagging(project, str(project_id))
        held = await tagging.held(pairs)
        new = [pair for pair in dict.fromkeys(pairs) if pair not in held]
        exceeded = await tagging.give(new)
        created = [pair for pair in new if pair not in exceeded]
        # A pair that is named twice is new once.
        again = Counter(pairs) - Counter(created)
        return ImageTagCreateSummary(
            created=_entries(created),
            duplicated=_entries(pair for pair in again.elements() if pair not in exceeded),
            exceeded=_entries(pair for pair in new if pair in exceeded),
        )

    @routes.delete("/projects/{project_id}/images/tags", operation_id="DeleteImageTags", status_code=204)
    async def delete_image_tags(
        project_id: UUID,
        image_ids: Annotated[str, Query(alias="imageIds", description="Ids, parted by commas.")],
        tag_ids: Annotated[str, Query(alias="tagIds", description="Ids, parted by commas.")],
    ) -> Response:
        request = images_pb2.UntagImagesRequest(
            project_id=str(project_id),
            image_ids=ids(image_ids, "imageIds", MAX_IMAGES),
            tag_ids=ids(tag_ids, "tagIds", MAX_TAGS),
        )
        await project.UntagImages(request)
        return Response(status_code=204)

    return routes


class _Tagging:
    """Gives tags pair by pair through calls that give every tag to every image, or change nothing."""

    def __init__(self, project: "ProjectServiceAsyncStub", project_id: str) -> None:
        self._project = project
        self._project_id = project_id
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)

    async def held(self, pairs: Sequence[Pair]) -> set[Pair]:
        """Returns which pairs there are. Raises ApiError where an image or a tag of any pair is not there."""
        tags = tags_pb2.ListTagsRequest(project_id=self._project_id)
        known = {tag.tag_id async for tag in all_pages(self._project.ListTags, tags, "tags")}
        if missing := next((tag_id for _, tag_id in pairs if tag_id not in known), None):
            raise ApiError("NotFoundTag", f"The project has no tag with id '{missing}'; nothing changed.")
        chosen = list(dict.fromkeys(image_id for image_id, _ in pairs))
        found: dict[str, images_pb2.Image] = {}
        for start in range(0, len(chosen), PAGE_SIZE):
            part = chosen[start : start + PAGE_SIZE]
            request = images_pb2.ListImagesRequest(project_id=self._project_id, image_ids=part, page_size=PAGE_SIZE)
            found |= {image.image_id: image for image in (await self._project.ListImages(request)).images}
        if missing := next((image_id for image_id in chosen if image_id not in found), None):
            raise ApiError("NotFoundImage", f"The project has no image with id '{missing}'; nothing changed.")
        return {pair for pair in pairs if pair[1] in found[pair[0]].tag_ids}

    async def give(self, pairs: Sequence[Pair]) -> set[Pair]:
        """Gives the tags, and returns the pairs that their images cannot carry."""
        tags_by_image: dict[str, list[str]] = defaultdict(list)
        for image_id, tag_id in pairs:
            tags_by_image[image_id].append(tag_id)
        images_by_tags: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for image_id, tag_ids in tags_by_image.items():
            for start in range(0, len(tag_ids), MAX_TAGS):
                images_by_tags[tuple(tag_ids[start : start + MAX_TAGS])].append(image_id)
        refused = await asyncio.gather(*(self._give(images, tags) for tags, images in images_by_tags.items()))
        return set().union(*refused)

    async def _give(self, image_ids: Sequence[str], tag_ids: Sequence[str]) -> set[Pair]:
        """Gives every tag to every image; where they do not all fit, image by image, then tag by tag in order."""
        if await self._fit(image_ids, tag_ids):
            return set()
        if len(image_ids) > 1:
            refused = await asyncio.gather(*(self._give([image_id], tag_ids) for image_id in image_ids))
            return set().union(*refused)
        if len(tag_ids) > 1:
            return set().union(*[await self._give(image_ids, [tag_id]) for tag_id in tag_ids])
        return {(image_ids[0], tag_ids[0])}

    async def _fit(self, image_ids: Sequence[str], tag_ids: Sequence[str]) -> bool:
        request = images_pb2.TagImagesRequest(project_id=self._project_id, image_ids=image_ids, tag_ids=tag_ids)
        try:
            async with self._calls:
                await self._project.TagImages(request)
        except grpc.aio.AioRpcError as error:
            if error_from_call(error, service="project").reason not in EXCEEDED_REASONS:
                raise
            return False
        return True


def _entries(pairs: Iterable[Pair]) -> list[ImageTagCreateEntry]:
    return [ImageTagCreateEntry(image_id=UUID(image_id), tag_id=UUID(tag_id)) for image_id, tag_id in pairs]
