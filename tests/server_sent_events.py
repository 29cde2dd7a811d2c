"""Streams of server-sent events, read as a browser does."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx


async def read_events(api: httpx.AsyncClient, path: str, after: int | None = None) -> AsyncIterator[dict[str, Any]]:
    """Yields the events of a stream, each with its id; a comment is yielded as its text."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    async with api.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        sequence = ""
        async for line in answer.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "id":
                sequence = value
            elif field == "data":
                yield {"id": int(sequence), **json.loads(value)}
            elif field == "" and value:
                yield {"comment": value}
