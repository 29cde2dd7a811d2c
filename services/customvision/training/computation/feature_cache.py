"""Features of images, computed once: a cache by backbone and by the digest of an image's content."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from customvision.vision.trunk import Features

LOOKUP_ROWS = 500
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Result = TypeVar("Result")


class FeatureCache:
    """Reads and keeps features float32[d]. For one thread."""

    def __init__(self, connection: sqlite3.Connection, backbone_id: str) -> None:
        self._connection = connection
        self._backbone_id = backbone_id

    @classmethod
    @contextmanager
    def open(cls, file: Path, backbone_id: str) -> Iterator["FeatureCache"]:
        """Opens the cache in ``file``, made if missing. Raises sqlite3.DatabaseError where it is damaged."""
        with contextlib.closing(_connect(file)) as connection:
            yield cls(connection, backbone_id)

    def find(self, digests: Sequence[str]) -> dict[str, Features]:
        """Returns the features that are known, by digest."""
        found: dict[str, Features] = {}
        for start in range(0, len(digests), LOOKUP_ROWS):
            batch = digests[start : start + LOOKUP_ROWS]
            marks = ",".join("?" * len(batch))
            rows = self._connection.execute(
                f"SELECT content_sha256, vector FROM features "  # noqa: S608 - only question marks are put in
                f"WHERE backbone_id = ? AND content_sha256 IN ({marks})",
                (self._backbone_id, *batch),
            )
            found.update((digest, np.frombuffer(vector, dtype="<f4")) for digest, vector in rows)
        return found

    def add(self, features: dict[str, Features]) -> None:
        """Keeps features, by digest."""
        rows = [
            (self._backbone_id, digest, vector.astype("<f4", copy=False).tobytes())
            for digest, vector in features.items()
        ]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)


def with_feature_cache(file: Path, backbone_id: str, work: Callable[[FeatureCache], Result]) -> Result:
    """Returns what ``work`` makes of the cache in ``file``.

    Where the cache proves to be damaged it is deleted and the work done once more: all in it can be computed again.
    """
    try:
        with FeatureCache.open(file, backbone_id) as cache:
            return work(cache)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) not in DAMAGE:
            # A full disk, or another run that holds the cache for long, says nothing against what is in it.
            raise
        for suffix in ("", "-wal", "-shm"):
            Path(f"{file}{suffix}").unlink(missing_ok=True)
    with FeatureCache.open(file, backbone_id) as cache:
        return work(cache)


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=10)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # A power cut may take the newest features: they are computed again, so no fsync is paid for each batch.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS features (backbone_id TEXT NOT NULL, content_sha256 TEXT NOT NULL, "
            "vector BLOB NOT NULL, PRIMARY KEY (backbone_id, content_sha256))"
        )
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
