"""Bodies that routes read for themselves, for the OpenAPI document."""

from typing import Any

from pydantic import BaseModel

IMAGE = "imageData"
REFERENCE = "#/components/schemas/{model}"


def body(model: type[BaseModel], *, required: bool = False) -> dict[str, Any]:
    """Returns the OpenAPI addition for a route that reads a JSON body of ``model``, with the models within it."""
    schema = model.model_json_schema(by_alias=True, ref_template=REFERENCE)
    definitions = {**schema.pop("$defs", {}), model.__name__: schema}
    named = {"$ref": REFERENCE.format(model=model.__name__), "$defs": definitions}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": named}}}}


def image_body() -> dict[str, Any]:
    """Returns the OpenAPI addition for a route that reads image files."""
    binary = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {IMAGE: binary}, "required": [IMAGE]}
    content = {"multipart/form-data": {"schema": form}, "application/octet-stream": {"schema": binary}}
    return {"requestBody": {"required": True, "content": content}}
