"""Features of images, computed once: a cache by backbone and by the digest of an image's content."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from customvision.vision.trunk import Features

LOOKUP_ROWS = 500
_TABLES = """
-- Of older versions, whose features are computed otherwise.
DROP TABLE IF EXISTS features;
CREATE TABLE IF NOT EXISTS view_features (
    backbone_id TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    view INTEGER NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (backbone_id, content_sha256, view)
);
CREATE TABLE IF NOT EXISTS looks (content_sha256 TEXT PRIMARY KEY, difference_hash TEXT NOT NULL) WITHOUT ROWID;
"""
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Result = TypeVar("Result")
StoredFeatures = npt.NDArray[np.float16]


@dataclass(frozen=True)
class EmbeddedImage:
    """What was computed of one image: features float32[d] by view, and the 64 bits of its difference hash."""

    content_sha256: str
    features: "Mapping[int, Features]"
    difference_hash: int


class FeatureCache:
    """Reads and keeps features and looks of images. For one thread."""

    def __init__(self, connection: sqlite3.Connection, backbone_id: str) -> None:
        self._connection = connection
        self._backbone_id = backbone_id

    @classmethod
    @contextmanager
    def open(cls, file: Path, backbone_id: str) -> Iterator["FeatureCache"]:
        """Opens the cache in ``file``, made if missing. Raises sqlite3.DatabaseError where it is damaged."""
        with contextlib.closing(_connect(file)) as connection:
            yield cls(connection, backbone_id)

    def find(self, digests: Sequence[str], view: int) -> dict[str, StoredFeatures]:
        """Returns the features float16[d] that are known of that view, by digest."""
        rows = self._select(
            "SELECT content_sha256, vector FROM view_features WHERE backbone_id = ? AND view = ?",
            (self._backbone_id, view),
            digests,
        )
        return {digest: np.frombuffer(vector, dtype="<f2") for digest, vector in rows}

    def known(self, digests: Sequence[str], views: Iterable[int]) -> set[str]:
        """Returns the digests of which all ``views`` are known."""
        known = set(digests)
        for view in views:
            query = "SELECT content_sha256 FROM view_features WHERE backbone_id = ? AND view = ?"
            known &= {digest for (digest,) in self._select(query, (self._backbone_id, view), digests)}
        return known

    def difference_hashes(self, digests: Sequence[str]) -> dict[str, int]:
        """Returns the difference hashes that are known, by digest."""
        rows = self._select("SELECT content_sha256, difference_hash FROM looks WHERE TRUE", (), digests)
        return {digest: int(value, 16) for digest, value in rows}

    def add(self, images: Sequence[EmbeddedImage]) -> None:
        """Keeps what was computed; features as float16, which moves no answer by a thousandth."""
        features = [
            (self._backbone_id, image.content_sha256, view, vector.astype("<f2").tobytes())
            for image in images
            for view, vector in image.features.items()
        ]
        looks = [(image.content_sha256, f"{image.difference_hash:016x}") for image in images]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO view_features VALUES (?, ?, ?, ?)", features)
            self._connection.executemany("INSERT OR REPLACE INTO looks VALUES (?, ?)", looks)

    def _select(self, query: str, values: tuple[object, ...], digests: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(digests), LOOKUP_ROWS):
            batch = digests[start : start + LOOKUP_ROWS]
            marks = ",".join("?" * len(batch))
            yield from self._connection.execute(f"{query} AND content_sha256 IN ({marks})", (*values, *batch))


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
        connection.executescript(_TABLES)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
