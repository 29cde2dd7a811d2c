"""Which files the cache keeps."""

import asyncio
import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from customvision.common.errors import Unavailable
from customvision.prediction.artifact_cache import ArtifactCache
from customvision.vision.artifacts import digest_of

DATA = b"an artifact"


async def fetch(_: str) -> bytes:
    """Answers as the project service would."""
    return DATA


async def unreachable(_: str) -> bytes:
    """Answers as the project service does while it is away."""
    raise Unavailable("The project service does not answer.")


async def test_what_another_worker_has_is_not_fetched(tmp_path: Path) -> None:
    """A second cache takes the file of the first, which is on the disk once, and keeps it when the first removes it."""
    digest = digest_of(DATA)
    with ThreadPoolExecutor(2) as executor:
        first = ArtifactCache(tmp_path / "1", fetch, executor, others=[tmp_path / "2"])
        second = ArtifactCache(tmp_path / "2", unreachable, executor, others=[tmp_path / "none", tmp_path / "1"])
        await first.get(digest)
        assert await second.get(digest) == DATA
        assert (tmp_path / "1" / digest).samefile(tmp_path / "2" / digest)
        await first.keep_only(set)
        assert not (tmp_path / "1" / digest).exists()
        assert await second.get(digest) == DATA


async def test_a_damaged_file_of_another_worker_is_not_taken(tmp_path: Path) -> None:
    """What another worker has is verified like the rest, and a damaged file of one's own is mended from it."""
    digest = digest_of(DATA)
    with ThreadPoolExecutor(2) as executor:
        first = ArtifactCache(tmp_path / "1", fetch, executor)
        second = ArtifactCache(tmp_path / "2", fetch, executor, others=[tmp_path / "1"])
        (tmp_path / "1" / digest).write_bytes(b"rotten")
        assert await second.get(digest) == DATA
        assert (tmp_path / "1" / digest).read_bytes() == b"rotten"
        await first.get(digest)
        (tmp_path / "2" / digest).write_bytes(b"rotten")
        mended = ArtifactCache(tmp_path / "2", unreachable, executor, others=[tmp_path / "1"])
        assert await mended.get(digest) == DATA
        assert (tmp_path / "2" / digest).read_bytes() == DATA


async def test_without_links_a_copy_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows no links costs room, not the model."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    digest = digest_of(DATA)
    with ThreadPoolExecutor(2) as executor:
        await ArtifactCache(tmp_path / "1", fetch, executor).get(digest)
        second = ArtifactCache(tmp_path / "2", unreachable, executor, others=[tmp_path / "1"])
        assert await second.get(digest) == DATA
    assert (tmp_path / "2" / digest).read_bytes() == DATA
    assert not (tmp_path / "1" / digest).samefile(tmp_path / "2" / digest)


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
