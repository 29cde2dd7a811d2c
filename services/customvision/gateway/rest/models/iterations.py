"""Iterations in JSON."""

import math
from collections.abc import Container
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from customvision.gateway.rest.fields import time_text
from customvision.gateway.rest.models.base import ApiModel, Time
from customvision.gateway.rest.models.exports import EXPORT_PLATFORMS
from customvision.gateway.rest.models.projects import CLASSIFICATION_TYPES, ClassificationWord
from customvision.gateway.rest.words import Words
from customvision.v1 import iterations_pb2
from customvision.v1.iterations_pb2 import (
    ITERATION_STATUS_CANCELLED,
    ITERATION_STATUS_COMPLETED,
    ITERATION_STATUS_FAILED,
    ITERATION_STATUS_TRAINING,
)

TRAINING_TYPES = Words(
    "training type",
    {"Regular": iterations_pb2.TRAINING_TYPE_QUICK, "Advanced": iterations_pb2.TRAINING_TYPE_ADVANCED},
)
# Clients wait until the status is one of these; they know no others.
STATUSES = {
    ITERATION_STATUS_TRAINING: "Training",
    ITERATION_STATUS_COMPLETED: "Completed",
    ITERATION_STATUS_FAILED: "Failed",
    ITERATION_STATUS_CANCELLED: "Failed",
}
CANCELLED_TEXT = "The training was cancelled."
HOUR = 3600


class CustomBaseModelInfo(ApiModel):
    """The iteration whose model a training begins with."""

    project_id: UUID
    iteration_id: UUID


class Iteration(ApiModel):
    """An iteration; fields that may be missing are there once they are known."""

    id: UUID
    name: str
    status: Annotated[str, Field(json_schema_extra={"enum": list(dict.fromkeys(STATUSES.values()))})]
    created: Time
    last_modified: Time
    trained_at: Time | None = None
    project_id: UUID
    exportable: bool
    exportable_to: list[str] | None
    domain_id: UUID | None
    classification_type: ClassificationWord | None
    training_type: Annotated[str, Field(json_schema_extra=TRAINING_TYPES.schema)]
    reserved_budget_in_hours: int
    training_time_in_minutes: int
    publish_name: str | None
    original_publish_resource_id: str | None
    custom_base_model_info: CustomBaseModelInfo | None = None
    training_error_details: str | None = None


class IterationChange(ApiModel):
    """What PATCH may change."""

    name: str | None = None


class TrainingParameters(ApiModel):
    """What narrows a training to some tags, and what it begins with."""

    selected_tags: list[UUID] | None = None
    custom_base_model_info: CustomBaseModelInfo | None = None


def iteration_of(iteration: iterations_pb2.Iteration, exportable_domains: Container[str]) -> Iteration:
    """Returns an iteration as the API tells it; ``exportable_domains`` are ids of domains."""
    trains = iteration.status == ITERATION_STATUS_TRAINING
    completed = iteration.status == ITERATION_STATUS_COMPLETED
    exportable = completed and iteration.domain_id in exportable_domains
    told = Iteration(
        id=UUID(iteration.iteration_id),
        name=iteration.name,
        status=STATUSES[iteration.status],
        created=time_text(iteration.create_time),
        last_modified=_last_modified(iteration),
        project_id=UUID(iteration.project_id),
        exportable=exportable,
        exportable_to=EXPORT_PLATFORMS if exportable else None,
        domain_id=None if trains else UUID(iteration.domain_id),
        classification_type=None if trains else CLASSIFICATION_TYPES.word(iteration.classification_type),
        training_type=TRAINING_TYPES.word(iteration.training_type),
        reserved_budget_in_hours=iteration.training_budget.seconds // HOUR,
        training_time_in_minutes=_minutes(iteration),
        publish_name=iteration.publish_name or None,
        original_publish_resource_id=iteration.publish_target or None,
    )
    if completed:
        told.trained_at = time_text(iteration.end_time)
    if iteration.base_iteration_id:
        told.custom_base_model_info = CustomBaseModelInfo(
            project_id=UUID(iteration.base_project_id or iteration.project_id),
            iteration_id=UUID(iteration.base_iteration_id),
        )
    if told.status == "Failed":
        told.training_error_details = iteration.failure_reason or CANCELLED_TEXT
    return told


def _last_modified(iteration: iterations_pb2.Iteration) -> str:
    for field in ("update_time", "end_time"):
        if iteration.HasField(field):
            return time_text(getattr(iteration, field))
    return time_text(iteration.create_time)


def _minutes(iteration: iterations_pb2.Iteration) -> int:
    """Returns how long the training took, in whole minutes, rounded up; 0 while it runs."""
    if not iteration.HasField("end_time"):
        return 0
    took = iteration.end_time.ToDatetime() - iteration.create_time.ToDatetime()
    return max(1, math.ceil(took / timedelta(minutes=1)))
