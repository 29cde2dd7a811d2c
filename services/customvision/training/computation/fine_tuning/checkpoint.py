"""Where a fine-tuning stands, on disk: a killed run goes on from the last epoch that it finished."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from customvision.common.durable_files import write_durably

Arrays = list[npt.NDArray[Any]]
ABOUT = ("origin", "epochs", "best_epoch", "best_loss", "seconds")


@dataclass(frozen=True)
class Checkpoint:
    """After ``epochs`` epochs of a course: the variables now, those of the best epoch, and the optimiser's.

    ``best_loss`` on the held-out images, infinite before there is one; ``seconds`` of the course so far. ``origin``
    says what the course learns from: another one does not go on from here.
    """

    origin: str
    epochs: int
    best_epoch: int
    best_loss: float
    seconds: float
    variables: Arrays = field(default_factory=list)
    best: Arrays = field(default_factory=list)
    optimizer: Arrays = field(default_factory=list)

    def fits(self, variables: Arrays, optimizer: Arrays) -> bool:
        """Returns whether these variables and those of this optimiser can take the checkpoint's place."""
        return _shapes(self.variables) == _shapes(self.best) == _shapes(variables) and (
            _shapes(self.optimizer) == _shapes(optimizer)
        )

    def save(self, file: Path) -> None:
        """Writes the checkpoint so that a kill or a power cut leaves this one or the one before."""
        named = {
            f"{kind}_{index}": array
            for kind in ("variables", "best", "optimizer")
            for index, array in enumerate(getattr(self, kind))
        }
        about = {name: getattr(self, name) for name in ABOUT}
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, about=np.array(json.dumps(about)), **named)
        write_durably(file, buffer.getvalue())

    @classmethod
    def load(cls, file: Path, origin: str) -> "Checkpoint | None":
        """Returns the checkpoint in ``file``; None where there is none, or it is damaged or of another origin."""
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as content:
                noted = json.loads(str(content["about"]))
                about = {name: noted[name] for name in ABOUT}
                arrays = {kind: _numbered(content, kind) for kind in ("variables", "best", "optimizer")}
        # A damaged zip raises many kinds of error; all of them mean that the course begins anew.
        except Exception:  # noqa: BLE001
            return None
        finite = all(np.isfinite(array).all() for kind in arrays.values() for array in kind)
        if not finite or about["origin"] != origin:
            return None
        return cls(**about, variables=arrays["variables"], best=arrays["best"], optimizer=arrays["optimizer"])


def _shapes(arrays: Arrays) -> list[tuple[int, ...]]:
    return [array.shape for array in arrays]


def _numbered(content: Any, kind: str) -> Arrays:
    count = sum(name.startswith(f"{kind}_") for name in content.files)
    return [content[f"{kind}_{index}"] for index in range(count)]
