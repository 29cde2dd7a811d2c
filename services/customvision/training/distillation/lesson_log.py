"""How a distillation went: a line of figures per lesson, as a table that any program reads."""

import csv
from pathlib import Path


class LessonLog:
    """A CSV file with one line per lesson, however often the work was killed and taken up again."""

    def __init__(self, file: Path, lessons: int) -> None:
        """Keeps the first ``lessons`` lines of what ``file`` holds: later ones tell of lessons that were lost."""
        self._file = file
        lines = file.read_text().splitlines(keepends=True) if file.exists() else []
        file.write_text("".join(lines[: lessons + 1] if lessons else []))

    def add(self, line: dict[str, object]) -> None:
        """Adds the figures of a lesson, by their names."""
        is_new = not self._file.stat().st_size
        with self._file.open("a", newline="") as log:
            writer = csv.DictWriter(log, list(line), lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerow(line)
