"""Where a distillation stands, on disk: after a kill it goes on from the last lesson that was learned."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from customvision.common.durable_files import write_durably

FILE = "checkpoint.npz"


class CheckpointUnusable(Exception):
    """The folder's checkpoint belongs to another distillation, or is damaged; the message says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """``lessons`` learned so far; ``network`` and ``optimizer`` hold their variables in order.

    ``origin`` is what a distillation is made of, its recipe and its teacher: only an equal one may go on from it.
    """

    origin: dict[str, Any]
    lessons: int
    network: Sequence[npt.NDArray[Any]]
    optimizer: Sequence[npt.NDArray[Any]]

    def save(self, folder: Path) -> None:
        """Writes the checkpoint so that a kill or a power cut leaves this one or the one before."""
        arrays = {f"network_{index}": array for index, array in enumerate(self.network)}
        arrays |= {f"optimizer_{index}": array for index, array in enumerate(self.optimizer)}
        description = json.dumps({"lessons": self.lessons, "origin": self.origin})
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, description=np.array(description), **arrays)
        write_durably(folder / FILE, buffer.getvalue())

    @classmethod
    def load(cls, folder: Path, origin: dict[str, Any]) -> "Checkpoint | None":
        """Returns the folder's checkpoint, or None where there is none. Raises CheckpointUnusable."""
        file = folder / FILE
        if not file.exists():
            return None
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as content:
                description = json.loads(str(content["description"]))
                network, optimizer = (_numbered(content, kind) for kind in ("network", "optimizer"))
        # A damaged zip raises many kinds of error; all of them mean the same.
        except Exception as error:
            raise CheckpointUnusable(f"{file} is damaged ({error}). Delete it to start anew.") from error
        other = {name: value for name, value in description["origin"].items() if value != origin.get(name)}
        if other:
            raise CheckpointUnusable(f"{file} was made with other settings ({other}). Use those, or another folder.")
        return cls(origin, description["lessons"], network, optimizer)


def _numbered(content: Any, kind: str) -> list[npt.NDArray[Any]]:
    count = sum(name.startswith(f"{kind}_") for name in content.files)
    return [content[f"{kind}_{index}"] for index in range(count)]
