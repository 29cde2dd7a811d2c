"""What the process that embeds early is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from customvision.training.backbones.prepared import PreparedBackbone


@dataclass(frozen=True)
class EarlyJob:
    """Which images to embed, on which backbones, where project is, and where features are cached.

    Images after ``after_sequence`` are embedded on the backbone that ``backbones`` has for their domain, and passed
    over where it has None.
    """

    after_sequence: int
    backbones: Mapping[str, PreparedBackbone | None]
    features_file: str
    project_address: str
    training_key: str = field(repr=False)

    def to_record(self) -> dict[str, Any]:
        """Returns the job as what JSON can hold."""
        backbones = {domain_id: backbone and backbone.to_record() for domain_id, backbone in self.backbones.items()}
        return {**vars(self), "backbones": backbones}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "EarlyJob":
        """Reads what to_record wrote."""
        backbones = {
            domain_id: PreparedBackbone(**backbone) if backbone is not None else None
            for domain_id, backbone in record["backbones"].items()
        }
        return cls(**{**record, "backbones": backbones})
