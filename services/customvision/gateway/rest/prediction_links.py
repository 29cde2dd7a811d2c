"""Links to the images of stored predictions."""

from starlette.requests import Request

from customvision.gateway.links import PREFIX, Links


def prediction_image_uri(links: Links, request: Request, project_id: str, prediction_id: str) -> str:
    """Returns a link to the image that the prediction is about."""
    return links.url(request, f"{PREFIX}projects/{project_id}/predictions/{prediction_id}/full")


def prediction_thumbnail_uri(links: Links, request: Request, project_id: str, prediction_id: str) -> str:
    """Returns a link to that image's thumbnail."""
    return links.url(request, f"{PREFIX}projects/{project_id}/predictions/{prediction_id}/thumbnail")
