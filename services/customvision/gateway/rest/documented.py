"""Bodies that routes read for themselves, for the OpenAPI document."""

from typing import Any

from pydantic import BaseModel

IMAGE = "imageData"


def body(model: type[BaseModel], *, required: bool = False) -> dict[str, Any]:
    """Returns the OpenAPI addition for a route that reads a JSON body of ``model``."""
    schema = model.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def image_body() -> dict[str, Any]:
    """Returns the OpenAPI addition for a route that reads image files."""
    binary = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {IMAGE: binary}, "required": [IMAGE]}
    content = {"multipart/form-data": {"schema": form}, "application/octet-stream": {"schema": binary}}
    return {"requestBody": {"required": True, "content": content}}
