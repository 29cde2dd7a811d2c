"""An upload as it goes, and what became of its files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from customvision.cli.display.console import printable

if TYPE_CHECKING:
    from customvision.client import UploadedImage

LISTED_FILES = 20


@dataclass
class UploadSummary:
    """What became of the files of a folder: counts, a sentence for each that is not used, and which cannot be."""

    folder: Path
    created: int = 0
    already_there: int = 0
    copies: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unusable: set[Path] = field(default_factory=set)
    _first_by_digest: dict[str, Path] = field(default_factory=dict)

    def add(self, image: "UploadedImage") -> None:
        """Counts one file; a second copy of a photo is recognised by its digest."""
        original = self._first_by_digest.setdefault(image.sha256, image.path) if image.sha256 else image.path
        if image.outcome.name == "REFUSED":
            self.unusable.add(image.path)
        same = f"{self._named(image.path)}: the same photo as {self._named(original)}."
        match image.outcome.name:
            case "CREATED":
                self.created += 1
            case "REFUSED" if original != image.path:
                self.refused.append(same)
            case "REFUSED":
                self.refused.append(f"{self._named(image.path)}: {printable(image.message)}")
            case _ if original != image.path:
                self.copies.append(same)
            case _:
                self.already_there += 1

    def counts(self) -> str:
        """Returns the counts that are not zero, such as ``380 new · 12 already there``."""
        parts = [
            f"{self.created} new",
            f"{self.already_there} already there" if self.already_there else "",
            f"{len(self.copies)} twice in the folder" if self.copies else "",
            f"{len(self.refused)} left out" if self.refused else "",
        ]
        return " · ".join(filter(None, parts))

    def _named(self, path: Path) -> str:
        return printable(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path)


def upload_bar(console: Console) -> Progress:
    """Returns a bar that counts files; invisible where there is no terminal."""
    return Progress(
        TextColumn("checking and uploading", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def print_upload(console: Console, summary: UploadSummary) -> None:
    """Prints the counts, and by name the files that were left out."""
    console.print(f"Photos: {summary.counts()}.")
    _print_some(console, "twice", summary.copies)
    _print_some(console, "left out", summary.refused)


def _print_some(console: Console, what: str, lines: list[str]) -> None:
    for line in lines[:LISTED_FILES]:
        console.print(f"  {what}: {line}", style="yellow", soft_wrap=True)
    if len(lines) > LISTED_FILES:
        console.print(f"  {what}: … and {len(lines) - LISTED_FILES} more.", style="yellow")
