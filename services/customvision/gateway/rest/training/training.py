"""Starting trainings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import grpc
from fastapi import APIRouter, Query, Request
from google.protobuf.duration_pb2 import Duration

from customvision.common.errors import ServiceError
from customvision.gateway.api_errors import ApiError, api_error, service_error
from customvision.gateway.bodies import read_json
from customvision.gateway.rest.documented import body
from customvision.gateway.rest.exportable_domains import exportable_domains
from customvision.gateway.rest.models.iterations import (
    HOUR,
    TRAINING_TYPES,
    Iteration,
    TrainingParameters,
    iteration_of,
)
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.v1 import iterations_pb2, projects_pb2, training_service_pb2

TrainingType = Annotated[str, Query(alias="trainingType", json_schema_extra=TRAINING_TYPES.schema)]
MAX_HOURS = 10_000
BudgetInHours = Annotated[
    int, Query(alias="reservedBudgetInHours", ge=0, le=MAX_HOURS, description="0 for ten minutes; Advanced only.")
]
ForceTrain = Annotated[bool, Query(alias="forceTrain", description="Train also when nothing changed.")]
EmailAddress = Annotated[
    str, Query(alias="notificationEmailAddress", description="Accepted without effect: no mail is sent.")
]
# Clients compare the beginning with what they know.
NOTHING_CHANGED_TEXT = "Nothing changed since last training"
CODES_OF_CLASSIFICATION = {
    projects_pb2.CLASSIFICATION_TYPE_MULTICLASS: "BadRequestMultiClassClassificationTrainingValidationFailed",
    projects_pb2.CLASSIFICATION_TYPE_MULTILABEL: "BadRequestMultiLabelClassificationTrainingValidationFailed",
}
DATA_SET_REASONS = ("TOO_FEW_TAGS", "TOO_FEW_IMAGES")


def training_routes(services: Services) -> APIRouter:
    """Returns the route that trains."""
    routes = routes_about("Iterations")

    @routes.post("/projects/{project_id}/train", operation_id="TrainProject", openapi_extra=body(TrainingParameters))
    async def train_project(
        project_id: UUID,
        request: Request,
        training_type: TrainingType = "Regular",
        hours: BudgetInHours = 0,
        force: ForceTrain = False,
        _email_address: EmailAddress = "",
    ) -> Iteration:
        """Freezes the tagged images as an iteration and begins to train it; poll GetIteration, or follow its events.

        A training that begins with a customBaseModelInfo is Advanced.
        """
        parameters = await read_json(request, TrainingParameters)
        start = _start(str(project_id), parameters, TRAINING_TYPES.meaning(training_type), hours, force=force)
        await _check_idle(services, str(project_id))
        async with _told_for_project(services, str(project_id)):
            run = await services.training.StartTraining(start)
        asked = iterations_pb2.GetIterationRequest(project_id=str(project_id), iteration_id=run.iteration_id)
        return iteration_of(await services.project.GetIteration(asked), await exportable_domains(services))

    return routes


def _start(
    project_id: str,
    parameters: TrainingParameters,
    training_type: "iterations_pb2.TrainingType.ValueType",
    hours: int,
    *,
    force: bool,
) -> training_service_pb2.StartTrainingRequest:
    base = parameters.custom_base_model_info
    # Only fine-tuning can go on from another model.
    advanced = training_type == iterations_pb2.TRAINING_TYPE_ADVANCED or base is not None
    return training_service_pb2.StartTrainingRequest(
        project_id=project_id,
        training_type=iterations_pb2.TRAINING_TYPE_ADVANCED if advanced else iterations_pb2.TRAINING_TYPE_QUICK,
        force=force,
        training_budget=Duration(seconds=hours * HOUR) if advanced and hours else None,
        selected_tag_ids=[str(tag_id) for tag_id in parameters.selected_tags or ()],
        base_project_id=str(base.project_id) if base else "",
        base_iteration_id=str(base.iteration_id) if base else "",
    )


async def _check_idle(services: Services, project_id: str) -> None:
    """Raises ApiError while an iteration is in training: the services would queue another, the API does not."""
    request = iterations_pb2.ListIterationsRequest(project_id=project_id)
    for iteration in (await services.project.ListIterations(request)).iterations:
        if iteration.status == iterations_pb2.ITERATION_STATUS_TRAINING:
            message = f"{iteration.name} is in training; wait for its end, then train again."
            raise ApiError("BadRequestTrainingAlreadyInProgress", message)


@asynccontextmanager
async def _told_for_project(services: Services, project_id: str) -> AsyncIterator[None]:
    """Tells why a training was refused as the API does, which has codes for each type of classification."""
    try:
        yield
    except grpc.aio.AioRpcError as call_error:
        error = service_error(call_error)
        if error.reason == "NOTHING_CHANGED":
            message = f"{NOTHING_CHANGED_TEXT}. Add or retag images, or train with forceTrain."
            raise ApiError("BadRequestTrainingNotNeeded", message) from call_error
        raise api_error(error, await _codes(services, project_id, error)) from call_error


async def _codes(services: Services, project_id: str, error: ServiceError) -> dict[str, str]:
    if error.reason not in DATA_SET_REASONS:
        return {}
    project = await services.project.GetProject(projects_pb2.GetProjectRequest(project_id=project_id))
    return dict.fromkeys(DATA_SET_REASONS, CODES_OF_CLASSIFICATION[project.classification_type])
