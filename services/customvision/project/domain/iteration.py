"""An iteration: a frozen data set and the model made from it."""

import enum
import math
from dataclasses import dataclass
from datetime import datetime

from customvision.common.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.text import checked_sha256, shortened
from customvision.project.domain.training_request import TrainingRequest

MAX_WARNINGS = 20
MAX_SENTENCE_CHARACTERS = 2000


class IterationStatus(enum.Enum):
    """How far an iteration has come; all but TRAINING are final."""

    TRAINING = "training"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WeightsSource(enum.Enum):
    """Where the weights of a backbone came from."""

    PATH = "path"
    DATA_FOLDER = "data_folder"
    KERAS_DOWNLOAD = "keras_download"
    # Of versions that had no backbone of their own.
    RANDOM = "random"
    BUILT_IN = "built_in"


class MetricsInvalid(InvalidArgument):
    """A metric is not a number from 0 to 1."""

    reason = "METRICS_INVALID"


@dataclass(frozen=True)
class Backbone:
    """The frozen network that a head rests on; equal ids give equal features."""

    backbone_id: str
    architecture: str
    weights_source: WeightsSource
    weights_sha256: str


@dataclass(frozen=True)
class IterationMetrics:
    """How well an iteration does on its held-out images; every share is 0 to 1."""

    precision: float
    recall: float
    average_precision: float
    accuracy: float
    held_out_image_count: int

    def check(self) -> None:
        """Raises MetricsInvalid where a share is not a number from 0 to 1, or the count is negative."""
        shares = (self.precision, self.recall, self.average_precision, self.accuracy)
        if not all(math.isfinite(share) and 0 <= share <= 1 for share in shares) or self.held_out_image_count < 0:
            raise MetricsInvalid("Every metric must be a number from 0 to 1, and the count 0 or more.", field="metrics")


@dataclass(frozen=True)
class IterationArtifacts:
    """SHA-256 digests of what makes up a trained model; the last two may be empty."""

    model_sha256: str
    backbone_sha256: str
    backbone_weights_sha256: str
    evaluation_sha256: str

    def named(self) -> dict[str, str]:
        """Returns the digests that are given, by the name of their field."""
        return {name: digest for name, digest in vars(self).items() if digest}

    def checked(self) -> "IterationArtifacts":
        """Returns the digests in lower case. Raises DigestInvalid where one is no digest or a required one is empty."""
        required = {"model_sha256", "backbone_sha256"}
        return IterationArtifacts(
            **{
                name: checked_sha256(digest, f"artifacts.{name}") if digest or name in required else ""
                for name, digest in vars(self).items()
            }
        )


@dataclass(frozen=True)
class Iteration:
    """An iteration as it stands; ``sequence`` orders all iterations, ``number`` those of the project.

    ``backbone``, ``metrics`` and ``artifacts`` are None until it is completed. ``data_set_fingerprint`` is equal
    for equal data sets. ``requested_backbone_id`` is the backbone that it was to be trained on, where that was known;
    ``fine_tuned`` says that its model has a network of its own instead.
    """

    sequence: int
    iteration_id: str
    project_id: str
    name: str
    number: int
    status: IterationStatus
    request: TrainingRequest
    domain_id: str
    classification_type: ClassificationType
    create_time: datetime
    update_time: datetime
    end_time: datetime | None
    image_count: int
    publish_name: str
    data_set_fingerprint: str
    backbone: Backbone | None = None
    metrics: IterationMetrics | None = None
    artifacts: IterationArtifacts | None = None
    failure_reason: str = ""
    warnings: tuple[str, ...] = ()
    requested_backbone_id: str = ""
    fine_tuned: bool = False
    publish_target: str = ""

    @property
    def base_project_id(self) -> str:
        """The project of the iteration that its training began with; empty where there was none."""
        return (self.request.base_project_id or self.project_id) if self.request.base_iteration_id else ""

    @property
    def shared_backbone_id(self) -> str:
        """The backbone, shared with other models, that its training rested on; empty where that is not known."""
        if self.backbone is None or self.fine_tuned:
            return self.requested_backbone_id
        return self.backbone.backbone_id


class IterationNotFound(NotFound):
    """The project has no such iteration."""

    reason = "ITERATION_NOT_FOUND"

    def __init__(self, iteration_id: str) -> None:
        super().__init__(
            f"The project has no iteration with id '{shortened(iteration_id)}'; ListIterations shows those there are.",
            metadata={"iteration_id": iteration_id},
        )


class IterationNameTaken(AlreadyExists):
    """Another iteration of the project has the name."""

    reason = "ITERATION_NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The project has an iteration '{name}' already; choose another name.", metadata={"iteration_name": name}
        )


class IterationNotInTraining(FailedPrecondition):
    """The iteration's training has ended in another way."""

    reason = "ITERATION_NOT_IN_TRAINING"

    def __init__(self, iteration: Iteration) -> None:
        super().__init__(
            f"{shortened(iteration.name)} is {iteration.status.value} already, not in training; start a new training.",
            metadata={"iteration_id": iteration.iteration_id, "status": iteration.status.name},
        )


class IterationInUse(FailedPrecondition):
    """An iteration that is published, in training, or what a training begins with cannot be deleted."""

    reason = "ITERATION_IN_USE"

    def __init__(self, iteration: Iteration, successor: Iteration | None = None) -> None:
        if iteration.publish_name:
            state, remedy = f"is published as '{iteration.publish_name}'", "unpublish it first, then"
        elif successor is None:
            state, remedy = "is in training", "cancel its training first, then"
        else:
            state = f"is what the training of {shortened(successor.name)} begins with"
            remedy = "wait for its end or cancel it, then"
        super().__init__(
            f"{shortened(iteration.name)} {state}; {remedy} delete it.",
            metadata={
                "iteration_id": iteration.iteration_id,
                "publish_name": iteration.publish_name,
                "state": "published" if iteration.publish_name else "training",
            },
        )


class BaseIterationNotUsable(FailedPrecondition):
    """A training cannot begin with this iteration's model."""

    reason = "BASE_ITERATION_NOT_USABLE"

    def __init__(self, base: Iteration, fault: str) -> None:
        super().__init__(
            f"{shortened(base.name)} {fault}; begin with another iteration, or with none.",
            metadata={"iteration_id": base.iteration_id, "iteration_name": base.name},
        )


def check_base(base: Iteration, domain_id: str) -> None:
    """Raises BaseIterationNotUsable where a training of the domain cannot begin with the model of ``base``."""
    if base.status is not IterationStatus.COMPLETED or base.artifacts is None:
        state = "still in training" if base.status is IterationStatus.TRAINING else base.status.value
        raise BaseIterationNotUsable(base, f"is {state} and has no model to begin with")
    if base.domain_id != domain_id:
        raise BaseIterationNotUsable(base, "was trained with another domain than the project has now")
    if not base.artifacts.backbone_weights_sha256:
        raise BaseIterationNotUsable(base, "keeps no weights of its network")


class ArtifactsMissing(FailedPrecondition):
    """An iteration names an artifact that is not stored."""

    reason = "ARTIFACT_MISSING"

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"{', '.join(names)} of the iteration's artifacts is not stored; upload it first.",
            metadata={"artifacts": ", ".join(names)},
        )
