"""The copy of an Azure project as it goes, and what became of its images."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from customvision.cli.display.console import notes, output, printable

if TYPE_CHECKING:
    from customvision.client.azure import CopiedImage, ProjectCopy

LISTED_IMAGES = 20


@dataclass
class ImportSummary:
    """What became of the images: counts, and a reason for each that was left out, by its id in Azure."""

    copied: int = 0
    already_there: int = 0
    identical: int = 0
    left_out: dict[str, str] = field(default_factory=dict)

    def add(self, image: "CopiedImage") -> None:
        """Counts one image."""
        match image.outcome.name:
            case "COPIED":
                self.copied += 1
            case "ALREADY_THERE":
                self.already_there += 1
            case "IDENTICAL":
                self.identical += 1
            case _:
                self.left_out[image.azure_id] = image.message

    def counts(self) -> str:
        """Returns the counts, such as ``380 copied · 12 already there · 1 left out``."""
        parts = [
            f"{self.copied} copied",
            f"{self.already_there} already there",
            f"{self.identical} identical to others",
            f"{len(self.left_out)} left out",
        ]
        return " · ".join(part for part in parts if not part.startswith("0 ")) or "no images"

    def record(self, copy: "ProjectCopy") -> dict[str, object]:
        """Returns what programs get."""
        return {
            "project_id": copy.project.project_id,
            "project_name": copy.project.name,
            "new_tags": copy.new_tags,
            "copied": self.copied,
            "already_there": self.already_there,
            "identical": self.identical,
            "left_out": [{"azure_id": azure_id, "message": why} for azure_id, why in self.left_out.items()],
        }


def import_bar(console: Console) -> Progress:
    """Returns a bar that counts images; invisible where there is no terminal."""
    return Progress(
        TextColumn("copying", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def print_import(summary: ImportSummary, command: str) -> None:
    """Prints the counts, which images were left out and why, and the command to go on with."""
    output.print(f"Images: {summary.counts()}.")
    for azure_id, why in list(summary.left_out.items())[:LISTED_IMAGES]:
        notes.print(f"  left out: {azure_id}: {printable(why)}", style="yellow", soft_wrap=True)
    if len(summary.left_out) > LISTED_IMAGES:
        notes.print(
            f"  left out: … and {len(summary.left_out) - LISTED_IMAGES} more; --json lists all.", style="yellow"
        )
    output.print(f"Train it: {printable(command)}", soft_wrap=True)
