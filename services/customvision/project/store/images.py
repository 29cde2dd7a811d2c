"""Images in SQL: records, and which tags they carry."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from customvision.common.database import Connection
from customvision.project.domain.image import Image, ImageContent, ImageTag
from customvision.project.domain.tag import Tag
from customvision.project.store import image_metadata
from customvision.project.store.columns import Row, to_content, to_list, to_time

# The plus keeps SQLite from walking all of the project instead.
_CHOSEN = "+project_id = ? AND image_id IN (SELECT value FROM json_each(?))"
_UNHELD = "current = 0 AND NOT EXISTS (SELECT 1 FROM iteration_images WHERE image = images.sequence)"


def find(connection: Connection, project_id: str, image_id: str) -> Image | None:
    """Returns the project's image, current or held by an iteration only, or None."""
    return next(iter(find_several(connection, project_id, [image_id])), None)


def find_several(connection: Connection, project_id: str, image_ids: Iterable[str]) -> list[Image]:
    """Returns those of the images that the project has, in no particular order."""
    parameters = [project_id, to_list(image_ids)]
    rows = connection.query(f"SELECT * FROM images WHERE {_CHOSEN}", parameters)  # noqa: S608 - no user text in it
    return _with_pairs(connection, list(rows))


def find_sources(connection: Connection, project_id: str, source_sha256s: Iterable[str]) -> list[Image]:
    """Returns the current images that were uploaded as files with these digests."""
    rows = connection.query(
        "SELECT * FROM images WHERE project_id = ? AND current = 1"
        " AND source_sha256 IN (SELECT value FROM json_each(?))",
        [project_id, to_list(source_sha256s)],
    )
    return _with_pairs(connection, list(rows))


def find_source(connection: Connection, project_id: str, source_sha256: str) -> Image | None:
    """Returns the image that was uploaded as a file with this digest, current or not, or None."""
    rows = connection.query(
        "SELECT * FROM images WHERE project_id = ? AND source_sha256 = ?", [project_id, source_sha256]
    )
    return next(iter(_with_pairs(connection, list(rows))), None)


def find_content(connection: Connection, project_id: str, image_ids: Sequence[str]) -> dict[str, ImageContent]:
    """Returns what the stored bytes of these images are, by image id; images that are gone are left out."""
    parameters = [project_id, to_list(image_ids)]
    rows = connection.query(f"SELECT * FROM images WHERE {_CHOSEN}", parameters)  # noqa: S608 - no user text in it
    return {row["image_id"]: to_content(row) for row in rows}


def in_sequences(connection: Connection, sequences: Sequence[int]) -> list[Image]:
    """Returns the images of these sequences, in that order, with the tags they carry now."""
    return _with_pairs(connection, rows_in_sequences(connection, sequences))


def rows_in_sequences(connection: Connection, sequences: Sequence[int]) -> list[Row]:
    """Returns the rows of these sequences, in that order."""
    rows = connection.query(
        "SELECT * FROM images WHERE sequence IN (SELECT value FROM json_each(?))", [to_list(sequences)]
    )
    by_sequence = {row["sequence"]: row for row in rows}
    return [by_sequence[sequence] for sequence in sequences if sequence in by_sequence]


def insert(
    connection: Connection,
    *,
    image_id: str,
    project_id: str,
    file_name: str,
    content: ImageContent,
    create_time: datetime,
) -> int:
    """Adds an image to the current data set and returns its sequence."""
    cursor = connection.execute(
        "INSERT INTO images (image_id, project_id, file_name, width, height, content_type, size_bytes, source_sha256,"
        " content_sha256, thumbnail_sha256, create_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            image_id,
            project_id,
            file_name,
            content.width,
            content.height,
            content.content_type,
            content.size_bytes,
            content.source_sha256,
            content.content_sha256,
            content.thumbnail_sha256,
            create_time.isoformat(),
        ],
    )
    sequence = cursor.lastrowid
    assert sequence is not None  # noqa: S101 - an INSERT has one
    return sequence


def restore(connection: Connection, image: Image) -> None:
    """Takes an image that only iterations held back into the current data set."""
    connection.execute("UPDATE images SET current = 1 WHERE sequence = ?", [image.sequence])


def add_tags(connection: Connection, images: Iterable[int], tags: Sequence[Tag], create_time: datetime) -> int:
    """Gives every tag to every image (by sequence) and returns how many pairs are new."""
    statement = "INSERT OR IGNORE INTO image_tags (image, tag, create_time) VALUES (?, ?, ?)"
    time = create_time.isoformat()
    return sum(connection.execute(statement, [image, tag.sequence, time]).rowcount for image in images for tag in tags)


def remove_tags(connection: Connection, images: Iterable[int], tags: Sequence[Tag]) -> int:
    """Takes every tag from every image (by sequence) and returns how many pairs there were."""
    cursor = connection.execute(
        "DELETE FROM image_tags WHERE image IN (SELECT value FROM json_each(?))"
        " AND tag IN (SELECT value FROM json_each(?))",
        [to_list(images), to_list(tag.sequence for tag in tags)],
    )
    removed: int = cursor.rowcount
    return removed


def count_with_several_tags(connection: Connection, project_id: str) -> int:
    """Returns how many images of the project carry more than one tag."""
    row = connection.execute(
        "SELECT count(*) FROM (SELECT it.image FROM image_tags it JOIN tags t ON t.sequence = it.tag"
        " WHERE t.project_id = ? GROUP BY it.image HAVING count(*) > 1)",
        [project_id],
    ).fetchone()
    count: int = row[0]
    return count


def delete(connection: Connection, project_id: str, image_ids: Iterable[str], *, all_iterations: bool) -> int:
    """Takes images out of the current data set, and out of past iterations too where asked.

    Returns how many were current. Rows that nothing holds any more are removed.
    """
    parameters = [project_id, to_list(image_ids)]
    sequences = f"SELECT sequence FROM images WHERE {_CHOSEN}"  # noqa: S608 - no user text in it
    connection.execute(f"DELETE FROM image_tags WHERE image IN ({sequences})", parameters)  # noqa: S608
    if all_iterations:
        connection.execute(f"DELETE FROM iteration_images WHERE image IN ({sequences})", parameters)  # noqa: S608
    cursor = connection.execute(f"UPDATE images SET current = 0 WHERE {_CHOSEN} AND current = 1", parameters)  # noqa: S608
    connection.execute(f"DELETE FROM images WHERE {_CHOSEN} AND {_UNHELD}", parameters)  # noqa: S608
    return cursor.rowcount


def some_ids(connection: Connection, project_id: str, *, last: int, limit: int, past: bool) -> list[str]:
    """Returns ids of current images up to the sequence ``last``; once none is left and if ``past``, of others."""
    statement = "SELECT image_id FROM images WHERE project_id = ? AND current = 1 AND sequence <= ? LIMIT ?"
    found = [row[0] for row in connection.execute(statement, [project_id, last, limit])]
    if not found and past:
        statement = "SELECT image_id FROM images WHERE project_id = ? AND current = 0 AND sequence <= ? LIMIT ?"
        found = [row[0] for row in connection.execute(statement, [project_id, last, limit])]
    return found


def last_sequence(connection: Connection) -> int:
    """Returns the sequence of the newest image of any project, or 0."""
    row = connection.execute("SELECT coalesce(max(sequence), 0) FROM images").fetchone()
    sequence: int = row[0]
    return sequence


def delete_unheld(connection: Connection, project_id: str) -> None:
    """Removes the records of all images that are neither current nor held by an iteration."""
    connection.execute(f"DELETE FROM images WHERE project_id = ? AND {_UNHELD}", [project_id])  # noqa: S608


def to_image(row: Row, tags: Sequence[ImageTag], metadata: Mapping[str, str]) -> Image:
    """Reads a row of images."""
    return Image(
        sequence=row["sequence"],
        image_id=row["image_id"],
        project_id=row["project_id"],
        tags=tuple(tags),
        metadata=metadata,
        file_name=row["file_name"],
        content=to_content(row),
        current=bool(row["current"]),
        create_time=to_time(row["create_time"]),
    )


def _with_pairs(connection: Connection, rows: list[Row]) -> list[Image]:
    if not rows:
        return []
    tags = _tags_of(connection, [row["sequence"] for row in rows])
    metadata = image_metadata.of_images(connection, tags)
    return [to_image(row, tags[row["sequence"]], metadata.get(row["sequence"], {})) for row in rows]


def _tags_of(connection: Connection, sequences: Sequence[int]) -> dict[int, list[ImageTag]]:
    tags: dict[int, list[ImageTag]] = {sequence: [] for sequence in sequences}
    pairs = connection.execute(
        "SELECT it.image, t.tag_id, t.name, coalesce(it.create_time, i.create_time) FROM image_tags it"
        " JOIN tags t ON t.sequence = it.tag JOIN images i ON i.sequence = it.image"
        " WHERE it.image IN (SELECT value FROM json_each(?)) ORDER BY it.image, it.tag",
        [to_list(sequences)],
    )
    for image, tag_id, name, create_time in pairs:
        tags[image].append(ImageTag(tag_id, name, to_time(create_time)))
    return tags
