"""The zip of an export on its way to a caller."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ExportPiece:
    """A piece of the zip; ``file_name`` is set on the first."""

    file_name: str
    data: bytes


async def pieces_of(file: Path, file_name: str) -> AsyncIterator[ExportPiece]:
    """Yields the content of ``file``; once begun, it goes on though the file be removed. Raises OSError."""
    with await asyncio.to_thread(file.open, "rb") as content:
        while data := await asyncio.to_thread(content.read, PIECE_BYTES):
            yield ExportPiece(file_name, data)
            file_name = ""
