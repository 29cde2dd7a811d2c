"""Request bodies, limited before they are read into memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from customvision.gateway.api_errors import ApiError

MIB = 1024 * 1024
MAX_JSON_BYTES = MIB
# 64 images in base64 would be half a gigabyte: clients that send so many large ones split them.
MAX_BATCH_BYTES = 160 * MIB
# What all bodies that are read at one time may take; those that come then wait.
MAX_BYTES_AT_ONCE = 320 * MIB
MAX_DEPTH = 32

Model = TypeVar("Model", bound=BaseModel)


class Room:
    """Room for the bodies that are in memory at one time."""

    def __init__(self, size: int = MAX_BYTES_AT_ONCE) -> None:
        self._free, self._changed = size, asyncio.Condition()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        """Waits until ``size`` bytes are free and keeps them until the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            self._free += size
            async with self._changed:
                self._changed.notify_all()


async def read_bytes(request: Request, limit: int, too_large: ApiError) -> bytes:
    """Returns the body. Raises ``too_large`` as soon as it is known to pass ``limit`` bytes."""
    if declared_length(request, default=0) > limit:
        raise too_large
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise too_large
    except ClientDisconnect as error:
        raise ApiError("BadRequest", "The connection ended before the body did.") from error
    return bytes(body)


async def read_json(request: Request, model: type[Model], *, limit: int = MAX_JSON_BYTES) -> Model:
    """Returns the body as ``model``; no body at all is an empty object, whatever Content-Type says."""
    too_large = ApiError("BadRequestInvalid", f"The body is larger than {limit // MIB} MiB; split it.", status=413)
    body = await read_bytes(request, limit, too_large)
    content = await asyncio.to_thread(_parsed, body) if len(body) > MAX_JSON_BYTES else _parsed(body)
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "the body"
        raise ApiError("BadRequestInvalid", f"'{place}' cannot be read: {problem['msg']}.") from error


def declared_length(request: Request, *, default: int) -> int:
    """Returns what Content-Length says, or ``default`` where it says nothing."""
    value = request.headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdecimal() else default


def _parsed(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        content = json.loads(body, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ApiError("BadRequestInvalid", "The body is not valid JSON.") from error
    if _depth(content) > MAX_DEPTH:
        raise ApiError("BadRequestInvalid", f"The body is nested more than {MAX_DEPTH} levels deep.")
    if b"\\u" in body:
        _check_characters(content)
    return content


def _check_characters(content: Any) -> None:
    """Raises ApiError where a text holds half of a pair of escapes, which is no character."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ApiError("BadRequestInvalid", "The body has half of a pair of escapes alone, such as \\uD800.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ApiError("BadRequestInvalid", "The body has an object with the same name twice.")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ApiError("BadRequestInvalid", f"The body holds {constant}, which JSON does not know.")


def _depth(content: Any) -> int:
    depth, level = 0, [content]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            break
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth
