"""Which files the cache keeps."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from customvision.prediction.artifact_cache import ArtifactCache
from customvision.vision.artifacts import digest_of

DATA = b"an artifact"


async def fetch(_: str) -> bytes:
    """Answers as the project service would."""
    return DATA


async def test_what_is_asked_for_during_a_removal_is_there_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An artifact that is wanted again just when it is removed is fetched again, not read and lost."""
    read = threading.Event()
    remove, read_file = ArtifactCache._remove, ArtifactCache._read

    def remove_late(cache: ArtifactCache, digests: set[str]) -> None:
        # Long enough for a reader that does not wait.
        read.wait(0.2)
        remove(cache, digests)

    def tell_read(cache: ArtifactCache, sha256: str) -> bytes | None:
        data = read_file(cache, sha256)
        read.set()
        return data

    asked: list[asyncio.Task[bytes]] = []

    def wanted() -> set[str]:
        asked.append(asyncio.create_task(cache.get(digest_of(DATA))))
        return set()

    with ThreadPoolExecutor(2) as executor:
        cache = ArtifactCache(tmp_path, fetch, executor)
        await cache.get(digest_of(DATA))
        read.clear()
        monkeypatch.setattr(ArtifactCache, "_remove", remove_late)
        monkeypatch.setattr(ArtifactCache, "_read", tell_read)
        await cache.keep_only(wanted)
        assert await asked[0] == DATA
    assert (tmp_path / digest_of(DATA)).read_bytes() == DATA
