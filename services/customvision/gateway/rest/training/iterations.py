"""Iterations of a project."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from customvision.gateway.api_errors import told_as
from customvision.gateway.bodies import read_json
from customvision.gateway.rest.documented import body
from customvision.gateway.rest.exportable_domains import exportable_domains
from customvision.gateway.rest.models.iterations import Iteration, IterationChange, iteration_of
from customvision.gateway.rest.pages import all_pages
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.v1 import iterations_pb2

CODES = {"NAME_INVALID": "BadRequestIterationName"}
PATH = "/projects/{project_id}/iterations/{iteration_id}"


def iteration_routes(services: Services) -> APIRouter:
    """Returns the routes of iterations."""
    routes, project = routes_about("Iterations"), services.project

    @routes.get("/projects/{project_id}/iterations", operation_id="GetIterations")
    async def get_iterations(project_id: UUID) -> list[Iteration]:
        """Lists the iterations, newest first."""
        request = iterations_pb2.ListIterationsRequest(project_id=str(project_id))
        domains = await exportable_domains(services)
        rows = all_pages(project.ListIterations, request, "iterations")
        return [iteration_of(iteration, domains) async for iteration in rows]

    @routes.get(PATH, operation_id="GetIteration")
    async def get_iteration(project_id: UUID, iteration_id: UUID) -> Iteration:
        """Returns one iteration; poll it until its status is Completed or Failed."""
        request = iterations_pb2.GetIterationRequest(project_id=str(project_id), iteration_id=str(iteration_id))
        return iteration_of(await project.GetIteration(request), await exportable_domains(services))

    @routes.patch(PATH, operation_id="UpdateIteration", openapi_extra=body(IterationChange))
    async def update_iteration(project_id: UUID, iteration_id: UUID, request: Request) -> Iteration:
        """Changes the name."""
        change = await read_json(request, IterationChange)
        update = iterations_pb2.UpdateIterationRequest(
            project_id=str(project_id), iteration_id=str(iteration_id), name=change.name
        )
        with told_as(CODES):
            return iteration_of(await project.UpdateIteration(update), await exportable_domains(services))

    @routes.delete(PATH, operation_id="DeleteIteration", status_code=204)
    async def delete_iteration(project_id: UUID, iteration_id: UUID) -> Response:
        """Deletes an iteration that is neither published nor in training."""
        request = iterations_pb2.DeleteIterationRequest(project_id=str(project_id), iteration_id=str(iteration_id))
        await project.DeleteIteration(request)
        return Response(status_code=204)

    return routes
