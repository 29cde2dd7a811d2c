"""What a run's process is asked to do."""

from dataclasses import asdict, dataclass, field
from typing import Any

from customvision.training.backbones.prepared import PreparedBackbone


@dataclass(frozen=True)
class BaseModel:
    """The model of an earlier iteration that a training begins with: the digests of its artifacts."""

    model_sha256: str
    backbone_sha256: str
    backbone_weights_sha256: str


@dataclass(frozen=True)
class Job:
    """One attempt at a run: what to train, on which backbone, where project is, and where features are cached.

    ``training_type`` is quick or advanced. An advanced one ends within ``budget_seconds`` of ``started_at``, when the
    machine's monotonic clock, which all processes share, said so; it begins with ``base``, where there is one, in
    place of ``backbone``, and keeps checkpoints in ``checkpoint_folder``, which it makes; what an earlier attempt at
    the run left there is still there.
    """

    training_run_id: str
    project_id: str
    iteration_id: str
    backbone: PreparedBackbone
    features_file: str
    project_address: str
    training_key: str = field(repr=False)
    training_type: str = "quick"
    budget_seconds: float = 0.0
    started_at: float = 0.0
    base: BaseModel | None = None
    checkpoint_folder: str = ""

    def to_record(self) -> dict[str, Any]:
        """Returns the job as what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Job":
        """Reads what to_record wrote."""
        base = BaseModel(**record["base"]) if record["base"] is not None else None
        return cls(**{**record, "backbone": PreparedBackbone(**record["backbone"]), "base": base})


class TrainingImpossible(Exception):
    """The run cannot end with a model; the message says why in a sentence for its user."""
