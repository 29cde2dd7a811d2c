"""Photos to learn from, as a folder and over HTTP."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Photos:
    """Photos in one sub-folder per class, and the address under which they can be fetched."""

    folder: Path
    url: str
