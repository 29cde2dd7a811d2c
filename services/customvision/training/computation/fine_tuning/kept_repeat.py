"""What a repeat of fine-tuning came to, on disk: a killed run does not go through it again."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from customvision.common.durable_files import write_durably
from customvision.training.computation.inner_products import Rows

Logits = npt.NDArray[np.float64]


@dataclass(frozen=True)
class KeptRepeat:
    """What networks say of ``rows``, int64[n], that they have not seen: ``logits`` float64[n, t] by mix.

    ``seconds`` it took, those before a kill included.
    """

    rows: Rows
    logits: Mapping[float, Logits]
    seconds: float

    def save(self, file: Path, origin: str) -> None:
        """Writes it so that a kill or a power cut leaves all of it or nothing. ``origin`` is that of a checkpoint."""
        mixes = sorted(self.logits)
        buffer = io.BytesIO()
        np.savez(
            buffer,
            allow_pickle=False,
            origin=np.array(origin),
            rows=self.rows,
            mixes=np.array(mixes),
            logits=np.stack([self.logits[mix] for mix in mixes]),
            seconds=np.array(self.seconds),
        )
        write_durably(file, buffer.getvalue())

    @classmethod
    def load(cls, file: Path, origin: str, rows: Rows) -> "KeptRepeat | None":
        """Returns what ``file`` says of those ``rows``; None where there is none, or it is damaged or of others."""
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as content:
                kept = cls(
                    content["rows"],
                    dict(zip(content["mixes"].tolist(), content["logits"], strict=True)),
                    float(content["seconds"]),
                )
                fits = str(content["origin"]) == origin and np.array_equal(kept.rows, rows)
        # A damaged zip raises many kinds of error; all of them mean that the repeat is done anew.
        except Exception:  # noqa: BLE001
            return None
        return kept if fits else None
