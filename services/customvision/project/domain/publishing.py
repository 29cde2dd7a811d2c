"""Published models: completed iterations under a name that predictions ask for."""

from dataclasses import dataclass

from customvision.common.errors import AlreadyExists, FailedPrecondition
from customvision.project.domain.iteration import Iteration, IterationArtifacts
from customvision.project.domain.text import shortened


@dataclass(frozen=True)
class PublishedModel:
    """A completed iteration answers under ``publish_name``, in place of any other."""

    project_id: str
    publish_name: str
    iteration_id: str
    artifacts: IterationArtifacts


@dataclass(frozen=True)
class UnpublishedModel:
    """Nothing answers under ``publish_name`` any more."""

    project_id: str
    publish_name: str


@dataclass(frozen=True)
class Synchronized:
    """All that is published has been told."""


@dataclass(frozen=True)
class Heartbeat:
    """Nothing happened for a while and the watch lives."""


PublishedModelEvent = PublishedModel | UnpublishedModel | Synchronized | Heartbeat


class PublishNameTaken(AlreadyExists):
    """Another iteration holds the name."""

    reason = "PUBLISH_NAME_TAKEN"

    def __init__(self, publish_name: str, holder: Iteration) -> None:
        super().__init__(
            f"'{publish_name}' is the publish name of {shortened(holder.name)}; "
            "choose another, or publish with overwrite.",
            metadata={"publish_name": publish_name, "iteration_id": holder.iteration_id},
        )


class IterationNotCompleted(FailedPrecondition):
    """Only a completed iteration has a model."""

    reason = "ITERATION_NOT_COMPLETED"

    def __init__(self, iteration: Iteration) -> None:
        state = "still in training" if iteration.end_time is None else iteration.status.value
        super().__init__(
            f"{shortened(iteration.name)} is {state}; take a completed one, which has a model.",
            metadata={"iteration_id": iteration.iteration_id, "status": iteration.status.name},
        )


class IterationNotPublished(FailedPrecondition):
    """The iteration has no publish name to take back."""

    reason = "ITERATION_NOT_PUBLISHED"

    def __init__(self, iteration: Iteration) -> None:
        super().__init__(
            f"{shortened(iteration.name)} is not published; there is nothing to take out of service.",
            metadata={"iteration_id": iteration.iteration_id},
        )
