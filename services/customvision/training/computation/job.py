"""What a run's process is asked to do."""

from dataclasses import asdict, dataclass, field
from typing import Any

from customvision.training.backbones.prepared import PreparedBackbone


@dataclass(frozen=True)
class Job:
    """One attempt at a run: what to train, on which backbone, where project is, and where features are cached."""

    training_run_id: str
    project_id: str
    iteration_id: str
    backbone: PreparedBackbone
    features_file: str
    project_address: str
    training_key: str = field(repr=False)

    def to_record(self) -> dict[str, Any]:
        """Returns the job as what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Job":
        """Reads what to_record wrote."""
        return cls(**{**record, "backbone": PreparedBackbone(**record["backbone"])})


class TrainingImpossible(Exception):
    """The run cannot end with a model; the message says why in a sentence for its user."""
