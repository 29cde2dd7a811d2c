"""Projects of very many images, filled at once: rows of the project's own store, behind the files of one real image."""

import sqlite3
from pathlib import Path

# Each has an id, a name and a file of its own as far as the store knows; the pictures are the same.
_COPY = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
INSERT INTO images (image_id, project_id, file_name, width, height, content_type, size_bytes, source_sha256,
  content_sha256, thumbnail_sha256, create_time)
SELECT printf('%s-0000-4000-8000-%012d', substr(image.project_id, 1, 8), n), project_id, n || '.jpg', width, height,
  content_type, size_bytes, printf('%064d', n), content_sha256, thumbnail_sha256, create_time
FROM numbers, (SELECT * FROM images WHERE image_id = :image_id) image ORDER BY n
"""


def copy_image(home: Path, image_id: str, count: int) -> None:
    """Gives the project of an image ``count`` more, named "1.jpg" and so on, while its service runs."""
    connection = sqlite3.connect(home / "project" / "project.sqlite", timeout=30)
    try:
        with connection:
            connection.execute(_COPY, {"image_id": image_id, "count": count})
    finally:
        connection.close()
