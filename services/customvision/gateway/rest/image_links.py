"""Links to the files of images."""

from starlette.requests import Request

from customvision.gateway.links import PREFIX, Links


def image_uri(links: Links, request: Request, project_id: str, image_id: str) -> str:
    """Returns a link to the stored image."""
    return links.url(request, f"{PREFIX}projects/{project_id}/images/{image_id}/full")


def thumbnail_uri(links: Links, request: Request, project_id: str, image_id: str) -> str:
    """Returns a link to the image's thumbnail."""
    return links.url(request, f"{PREFIX}projects/{project_id}/images/{image_id}/thumbnail")
