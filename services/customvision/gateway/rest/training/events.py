"""Live progress of a training as server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import grpc
import structlog
from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from customvision.gateway.api_errors import ApiError
from customvision.gateway.rest.models.events import FINAL_STATES, TrainingEvent, event_of
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.gateway.streaming import Call
from customvision.v1 import iterations_pb2, training_service_pb2

MEDIA_TYPE = "text/event-stream"
MAX_SEQUENCE_DIGITS = 18
HEARTBEAT = ": heartbeat\n\n"
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A stream of events, whose data are JSON. `id` is the event's sequence.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{TrainingEvent.__name__}"}}},
    },
    204: {"description": "The training has ended, and all its events were told: do not connect again."},
}

log = structlog.get_logger()


def event_routes(services: Services, stopping: asyncio.Event) -> APIRouter:
    """Returns the route of live progress, whose streams end once ``stopping`` is set."""
    routes = routes_about("Iterations")

    @routes.get(
        "/projects/{project_id}/iterations/{iteration_id}/events",
        operation_id="GetIterationEvents",
        response_class=Response,
        responses=STREAM,
    )
    async def get_iteration_events(
        project_id: UUID, iteration_id: UUID, last_event_id: Annotated[str, Header()] = ""
    ) -> Response:
        """Streams the events of the iteration's training, first those that were, and ends after the last one.

        With Last-Event-ID it goes on behind that event: so browsers connect again by themselves. Comments come while
        nothing happens.
        """
        after = _sequence(last_event_id)
        run = await _run(services, str(project_id), str(iteration_id))
        if after > run.last_sequence:
            message = f"Last-Event-ID is {after}, and the training has come to {run.last_sequence}; leave it out."
            raise ApiError("BadRequestInvalid", message)
        if run.state in FINAL_STATES and after == run.last_sequence:
            return Response(status_code=204)
        return StreamingResponse(_events(services, stopping, run.training_run_id, after), media_type=MEDIA_TYPE)

    return routes


def _sequence(last_event_id: str) -> int:
    if not last_event_id:
        return 0
    if not (last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) <= MAX_SEQUENCE_DIGITS):
        raise ApiError("BadRequestInvalid", "Last-Event-ID is no number of an event; leave it out to get all events.")
    return int(last_event_id)


async def _run(services: Services, project_id: str, iteration_id: str) -> training_service_pb2.TrainingRun:
    """Returns the run that trains the iteration. Raises ApiError where there is none."""
    await services.project.GetIteration(
        iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=iteration_id)
    )
    request = training_service_pb2.ListTrainingRunsRequest(project_id=project_id, iteration_id=iteration_id)
    runs = (await services.training.ListTrainingRuns(request)).training_runs
    if not runs:
        raise ApiError("NotFoundIteration", "The iteration was not trained here, so that there are no events of it.")
    return runs[0]


async def _events(services: Services, stopping: asyncio.Event, run_id: str, after: int) -> AsyncIterator[str]:
    """Yields the events as they travel. Ends early where a service stops, this one or the other: readers come again."""
    request = training_service_pb2.WatchTrainingRequest(training_run_id=run_id, after_sequence=after)
    call = services.training.WatchTraining(request)
    ending = asyncio.create_task(_cancel_once(stopping, call))
    try:
        async for event in call:
            yield HEARTBEAT if event.HasField("heartbeat") else _text(event)
    except grpc.aio.AioRpcError as error:
        log.warning("events of a training end early", training_run_id=run_id, details=error.details())
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise
    finally:
        ending.cancel()
        call.cancel()


async def _cancel_once(stopping: asyncio.Event, call: Call) -> None:
    await stopping.wait()
    call.cancel()


def _text(event: training_service_pb2.TrainingEvent) -> str:
    return f"id: {event.sequence}\ndata: {event_of(event).model_dump_json(by_alias=True, exclude_unset=True)}\n\n"
