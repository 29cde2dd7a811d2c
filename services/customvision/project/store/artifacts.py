"""Artifacts in SQL: which digests are stored, and when each was last asked for or uploaded."""

from collections.abc import Iterable
from datetime import datetime

from customvision.common.database import Connection
from customvision.project.domain.artifact import Artifact
from customvision.project.store.columns import to_list


def find(connection: Connection, sha256: str) -> Artifact | None:
    """Returns the artifact, or None."""
    row = connection.execute("SELECT sha256, size_bytes FROM artifacts WHERE sha256 = ?", [sha256]).fetchone()
    return None if row is None else Artifact(*row)


def find_several(connection: Connection, sha256s: Iterable[str]) -> list[Artifact]:
    """Returns those of the artifacts that are stored."""
    rows = connection.execute(
        "SELECT sha256, size_bytes FROM artifacts WHERE sha256 IN (SELECT value FROM json_each(?))", [to_list(sha256s)]
    )
    return [Artifact(*row) for row in rows]


def record(connection: Connection, artifact: Artifact, use_time: datetime) -> None:
    """Adds the artifact, or notes that it was uploaded again."""
    connection.execute(
        "INSERT INTO artifacts (sha256, size_bytes, use_time) VALUES (?, ?, ?)"
        " ON CONFLICT (sha256) DO UPDATE SET use_time = excluded.use_time",
        [artifact.sha256, artifact.size_bytes, use_time.isoformat()],
    )


def touch(connection: Connection, sha256s: Iterable[str], use_time: datetime) -> None:
    """Notes that somebody counts on these artifacts, so that they are not collected meanwhile."""
    connection.execute(
        "UPDATE artifacts SET use_time = ? WHERE sha256 IN (SELECT value FROM json_each(?))",
        [use_time.isoformat(), to_list(sha256s)],
    )


def delete_unnamed(connection: Connection, before: datetime) -> int:
    """Removes the records of artifacts that no iteration names and nobody used since ``before``; returns how many."""
    cursor = connection.execute(
        "WITH named (sha256) AS ("
        " SELECT model_sha256 FROM iterations WHERE model_sha256 IS NOT NULL"
        " UNION SELECT backbone_sha256 FROM iterations WHERE backbone_sha256 IS NOT NULL"
        " UNION SELECT backbone_weights_sha256 FROM iterations WHERE backbone_weights_sha256 IS NOT NULL"
        " UNION SELECT evaluation_sha256 FROM iterations WHERE evaluation_sha256 IS NOT NULL)"
        " DELETE FROM artifacts WHERE use_time < ? AND sha256 NOT IN (SELECT sha256 FROM named)",
        [before.isoformat()],
    )
    removed: int = cursor.rowcount
    return removed
