"""What the process of an attempt is given: its job and its environment."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from customvision.training.backbones.preparation import QUIET
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.computation.job import BaseModel, Job
from customvision.training.runs.run import TrainingRun
from customvision.training.runs.run_folders import RunFolders
from customvision.training.runs.run_limits import RunLimits, budget_left
from customvision.training.runs.run_request import TrainingType

# Threads that wait for one another cost a small fit more than they bring, above all beside other work.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Place:
    """Where attempts compute, and within which limits.

    ``folder`` is the training service's own in the data folder, ``keras_folder`` where Keras keeps its files.
    """

    project_address: str
    training_key: str = field(repr=False)
    folder: Path
    keras_folder: Path
    limits: RunLimits = field(default_factory=RunLimits)

    @property
    def features_file(self) -> Path:
        """The file of cached features."""
        return self.folder / "features.sqlite"

    @property
    def run_folders(self) -> RunFolders:
        """The folders that belong to runs."""
        return RunFolders(self.folder)


def job_of(run: TrainingRun, backbone: PreparedBackbone, base: BaseModel | None, place: Place) -> Job:
    """Returns what the next process of ``run`` is asked to do."""
    return Job(
        training_run_id=run.training_run_id,
        project_id=run.project_id,
        iteration_id=run.iteration_id,
        backbone=backbone,
        features_file=str(place.features_file),
        project_address=place.project_address,
        training_key=place.training_key,
        training_type=run.training_type.value,
        budget_seconds=budget_left(run),
        started_at=time.monotonic(),
        base=base,
        checkpoint_folder=str(place.run_folders.checkpoints(run.training_run_id)),
    )


def environment_of(run: TrainingRun, place: Place, scratch: Path) -> dict[str, str]:
    """Returns the variables that the process gets beside the service's own; ``scratch`` is for temporary files."""
    environment = {**ENVIRONMENT, "TMPDIR": str(scratch)}
    if run.training_type is TrainingType.ADVANCED:
        environment |= {**QUIET, "KERAS_HOME": str(place.keras_folder)}
    return environment
