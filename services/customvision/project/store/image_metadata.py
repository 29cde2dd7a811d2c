"""Metadata of images in SQL: one row a pair. An image that only iterations hold keeps its own."""

from collections.abc import Iterable, Mapping

from customvision.common.database import Connection
from customvision.project.store.columns import to_list


def of_images(connection: Connection, sequences: Iterable[int]) -> dict[int, dict[str, str]]:
    """Returns the metadata of these images by sequence, in order of the keys; images without any are left out."""
    found: dict[int, dict[str, str]] = {}
    pairs = connection.execute(
        "SELECT image, key, value FROM image_metadata WHERE image IN (SELECT value FROM json_each(?))"
        " ORDER BY image, key",
        [to_list(sequences)],
    )
    for image, key, value in pairs:
        found.setdefault(image, {})[key] = value
    return found


def set_pairs(connection: Connection, project_id: str, sequences: Iterable[int], pairs: Mapping[str, str]) -> None:
    """Gives images of the project these pairs, in place of those with the same keys."""
    images = to_list(sequences)
    for key, value in pairs.items():
        connection.execute(
            "INSERT INTO image_metadata (image, project, key, value)"
            " SELECT chosen.value, p.sequence, ?, ? FROM projects p, json_each(?) chosen WHERE p.project_id = ?"
            " ON CONFLICT (image, key) DO UPDATE SET value = excluded.value",
            [key, value, images, project_id],
        )


def remove_keys(connection: Connection, sequences: Iterable[int], keys: Iterable[str]) -> None:
    """Takes the pairs with these keys from images."""
    images = to_list(sequences)
    # Not as a JSON list: SQLite cuts what it reads from one at a NUL, which keys may hold.
    for key in keys:
        connection.execute(
            "DELETE FROM image_metadata WHERE image IN (SELECT value FROM json_each(?)) AND key = ?", [images, key]
        )


def clear(connection: Connection, sequence: int) -> None:
    """Takes all pairs from an image."""
    connection.execute("DELETE FROM image_metadata WHERE image = ?", [sequence])
