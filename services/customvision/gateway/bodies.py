"""Request bodies, limited in size and in time while they are read into memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from customvision.gateway.api_errors import ApiError
from customvision.gateway.room import MIB, Place

MAX_JSON_BYTES = MIB
# 64 images in base64 would be half a gigabyte: clients that send so many large ones split them.
MAX_BATCH_BYTES = 160 * MIB
# A JSON body is in memory as bytes, as text and as what was read from it.
COPIES_OF_JSON = 3
# A line half as fast as a slow mobile one of 256 kbit/s; who is slower, or silent, for so long is given up. Slow
# stretches that are shorter are made up for by the rest.
SLOWEST_SECONDS = 60.0
SLOWEST_BYTES = 60 * 16 * 1024
MAX_DEPTH = 32
# Values in a JSON body, of which the largest batch of 64 images has a few thousand. Each takes a hundred times the
# memory of its bytes once it is read, and a sentence where it is wrong.
MAX_VALUES = 20_000

Model = TypeVar("Model", bound=BaseModel)


async def chunks(request: Request, place: Place | None = None) -> AsyncIterator[bytes]:
    """Yields the body as it comes, each piece once ``place`` has room for it.

    Raises ApiError where the sender goes away, or sends fewer than ``SLOWEST_BYTES`` in ``SLOWEST_SECONDS``. The time
    in which nobody asks for more does not count.
    """
    stream, loop, length = request.stream(), asyncio.get_running_loop(), 0
    seconds, missing = SLOWEST_SECONDS, SLOWEST_BYTES
    try:
        while True:
            asked = loop.time()
            async with asyncio.timeout(seconds):
                chunk = await anext(stream, None)
            if chunk is None:
                return
            seconds, missing = seconds - (loop.time() - asked), missing - len(chunk)
            if missing <= 0:
                seconds, missing = SLOWEST_SECONDS, SLOWEST_BYTES
            length += len(chunk)
            if place is not None:
                await place.grow(length)
            yield chunk
    except TimeoutError as error:
        message = f"Too little of the body came in {SLOWEST_SECONDS:.0f} seconds; send it again, or less in one call."
        raise ApiError("BadRequest", message, status=408) from error
    except ClientDisconnect as error:
        raise ApiError("BadRequest", "The connection ended before the body did.") from error


async def read_bytes(request: Request, limit: int, too_large: ApiError, place: Place | None = None) -> bytes:
    """Returns the body, which has room in ``place``. Raises ``too_large`` as soon as it is known to pass ``limit``."""
    if declared_length(request, default=0) > limit:
        raise too_large
    body = bytearray()
    async with nullcontext() if place is None else place.coming():
        async for chunk in chunks(request, place):
            body += chunk
            if len(body) > limit:
                raise too_large
    return bytes(body)


async def read_json(
    request: Request, model: type[Model], *, limit: int = MAX_JSON_BYTES, place: Place | None = None
) -> Model:
    """Returns the body as ``model``; no body at all is an empty object, whatever Content-Type says."""
    too_large = ApiError("BadRequestInvalid", f"The body is larger than {limit // MIB} MiB; split it.", status=413)
    body = await read_bytes(request, limit, too_large, place)
    content = await asyncio.to_thread(_parsed, body) if len(body) > MAX_JSON_BYTES else _parsed(body)
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(map(str, problem["loc"])) or "the body"
        raise ApiError("BadRequestInvalid", f"'{name}' cannot be read: {problem['msg']}.") from error


def declared_length(request: Request, *, default: int) -> int:
    """Returns what Content-Length says, or ``default`` where it says nothing."""
    value = request.headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdecimal() else default


def _parsed(body: bytes) -> Any:
    if not body.strip():
        return None
    # Base64 has none of these; of other texts, none has so many.
    if sum(body.count(mark) for mark in b",{[") > MAX_VALUES:
        message = f"The body has more than {MAX_VALUES:,} values; split it into several calls."
        raise ApiError("BadRequestExceededBatchSize", message)
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
    left = [content]
    try:
        while left:
            each = left.pop()
            # Files in base64 are ASCII: a look is enough, and takes no memory.
            if isinstance(each, str) and not each.isascii():
                each.encode()
            elif isinstance(each, dict):
                left += [*each, *each.values()]
            elif isinstance(each, list):
                left += each
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
