"""Images as the API tells them, with links that open without a key."""

from uuid import UUID

from starlette.requests import Request

from customvision.gateway.links import Links
from customvision.gateway.rest.fields import time_text
from customvision.gateway.rest.image_links import image_uri, thumbnail_uri
from customvision.gateway.rest.models.images import Image, ImageTag
from customvision.v1 import images_pb2


def image_answer(image: images_pb2.Image, request: Request, links: Links) -> Image:
    """Returns an image. Tags and metadata are left out where it has none, as clients know it."""
    full = image_uri(links, request, image.project_id, image.image_id)
    answer = Image(
        id=UUID(image.image_id),
        created=time_text(image.create_time),
        width=image.width,
        height=image.height,
        resized_image_uri=full,
        thumbnail_uri=thumbnail_uri(links, request, image.project_id, image.image_id),
        original_image_uri=full,
    )
    if image.tags:
        answer.tags = [
            ImageTag(tag_id=UUID(tag.tag_id), tag_name=tag.tag_name, created=time_text(tag.create_time))
            for tag in image.tags
        ]
    if image.metadata:
        answer.metadata = dict(image.metadata)
    return answer
