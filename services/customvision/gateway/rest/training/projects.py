"""Projects."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from customvision.gateway.api_errors import told_as
from customvision.gateway.bodies import read_json
from customvision.gateway.links import Links
from customvision.gateway.rest.documented import body
from customvision.gateway.rest.image_links import thumbnail_uri
from customvision.gateway.rest.models.projects import (
    CLASSIFICATION_TYPES,
    TARGET_EXPORT_PLATFORMS,
    CreateProjectOptions,
    Project,
    ProjectChange,
    ProjectSettingsChange,
    export_platforms,
    project_of,
)
from customvision.gateway.rest.pages import all_pages
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.v1 import projects_pb2

CODES = {
    "NAME_INVALID": "BadRequestProjectName",
    "TEXT_TOO_LONG": "BadRequestProjectDescription",
    "DOMAIN_NOT_FOUND": "BadRequestProjectUnknownDomain",
}
ClassificationType = Annotated[
    str, Query(alias="classificationType", json_schema_extra={**CLASSIFICATION_TYPES.schema})
]
PLATFORMS_PARTED = f"Of {', '.join(TARGET_EXPORT_PLATFORMS.schema['enum'])}; parted by commas."
TargetExportPlatforms = Annotated[str, Query(alias="targetExportPlatforms", description=PLATFORMS_PARTED)]


def project_routes(services: Services, links: Links) -> APIRouter:
    """Returns the routes of projects."""
    routes, projects = routes_about("Projects"), services.project

    def told(project: projects_pb2.Project, request: Request) -> Project:
        image_id = project.thumbnail_image_id
        return project_of(project, thumbnail_uri(links, request, project.project_id, image_id) if image_id else None)

    @routes.get("/projects", operation_id="GetProjects")
    async def get_projects(request: Request) -> list[Project]:
        """Lists the projects, oldest first."""
        rows = all_pages(projects.ListProjects, projects_pb2.ListProjectsRequest(), "projects")
        return [told(project, request) async for project in rows]

    @routes.post("/projects", operation_id="CreateProject", openapi_extra=body(CreateProjectOptions))
    async def create_project(
        request: Request,
        name: str,
        description: str = "",
        domain_id: Annotated[UUID | None, Query(alias="domainId")] = None,
        classification_type: ClassificationType = "Multilabel",
        target_export_platforms: TargetExportPlatforms = "",
    ) -> Project:
        """Creates a project, multilabel and of the domain General where nothing else is said."""
        await read_json(request, CreateProjectOptions)
        platforms = (part.strip() for part in target_export_platforms.split(",") if part.strip())
        creation = projects_pb2.CreateProjectRequest(
            name=name,
            description=description,
            classification_type=CLASSIFICATION_TYPES.meaning(classification_type),
            domain_id=str(domain_id or ""),
            target_export_platforms=export_platforms(platforms),
        )
        with told_as(CODES):
            return told(await projects.CreateProject(creation), request)

    @routes.get("/projects/{project_id}", operation_id="GetProject")
    async def get_project(project_id: UUID, request: Request) -> Project:
        """Returns one project."""
        asked = projects_pb2.GetProjectRequest(project_id=str(project_id))
        return told(await projects.GetProject(asked), request)

    @routes.patch("/projects/{project_id}", operation_id="UpdateProject", openapi_extra=body(ProjectChange))
    async def update_project(project_id: UUID, request: Request) -> Project:
        """Changes what the body holds; a new domain is for trainings to come."""
        update = _update(str(project_id), await read_json(request, ProjectChange))
        with told_as(CODES):
            return told(await projects.UpdateProject(update), request)

    @routes.delete("/projects/{project_id}", operation_id="DeleteProject", status_code=204)
    async def delete_project(project_id: UUID) -> Response:
        """Deletes a project with all in it; refused while an iteration is published or in training."""
        await projects.DeleteProject(projects_pb2.DeleteProjectRequest(project_id=str(project_id)))
        return Response(status_code=204)

    return routes


def _update(project_id: str, change: ProjectChange) -> projects_pb2.UpdateProjectRequest:
    settings = change.settings or ProjectSettingsChange()
    kind, words = settings.classification_type, settings.target_export_platforms
    platforms = None if words is None else projects_pb2.TargetExportPlatforms(platforms=export_platforms(words))
    return projects_pb2.UpdateProjectRequest(
        project_id=project_id,
        name=change.name,
        description=change.description,
        classification_type=None if kind is None else CLASSIFICATION_TYPES.meaning(kind),
        domain_id=None if settings.domain_id is None else str(settings.domain_id),
        target_export_platforms=platforms,
    )
