"""Copies of projects: a token from one project makes another."""

from uuid import UUID

from fastapi import APIRouter, Request

from customvision.gateway.api_errors import told_as
from customvision.gateway.links import Links
from customvision.gateway.rest.image_links import thumbnail_uri
from customvision.gateway.rest.models.projects import Project, ProjectExport, project_export_of, project_of
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.v1 import projects_pb2

IMPORT_CODES = {
    "NAME_INVALID": "BadRequestProjectName",
    "IMPORT_TOKEN_INVALID": "BadRequestInvalidImportToken",
    "IMPORT_TOKEN_EXPIRED": "BadRequestInvalidImportToken",
}


def project_copy_routes(services: Services, links: Links) -> APIRouter:
    """Returns the routes that copy projects."""
    routes, projects = routes_about("Projects"), services.project

    @routes.get("/projects/{project_id}/export", operation_id="ExportProject")
    async def export_project(project_id: UUID) -> ProjectExport:
        """Gives a token that lets whoever holds it copy the project for a day."""
        request = projects_pb2.ExportProjectRequest(project_id=str(project_id))
        return project_export_of(await projects.ExportProject(request))

    @routes.post("/projects/import", operation_id="ImportProject")
    async def import_project(request: Request, token: str, name: str = "") -> Project:
        """Begins a copy of a project; GetProject tells when its status is Succeeded."""
        with told_as(IMPORT_CODES):
            project = await projects.ImportProject(projects_pb2.ImportProjectRequest(token=token, name=name))
        image_id = project.thumbnail_image_id
        return project_of(project, thumbnail_uri(links, request, project.project_id, image_id) if image_id else None)

    return routes
