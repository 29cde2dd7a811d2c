"""The calls about projects."""

from typing import Any

from google.protobuf import empty_pb2

from customvision.project.domain.domain import DEFAULT_DOMAIN
from customvision.project.domain.project import ClassificationType, Project
from customvision.project.servicer.conversions import member_of, timestamp_of, value_of
from customvision.project.use_cases.pages import PageRequest
from customvision.project.use_cases.projects import Projects
from customvision.v1 import projects_pb2


class ProjectMethods:
    """Translates the calls about projects."""

    _projects: Projects

    async def CreateProject(self, request: projects_pb2.CreateProjectRequest, context: Any) -> projects_pb2.Project:
        """Creates a project."""
        project = await self._projects.create(
            name=request.name,
            description=request.description,
            classification_type=member_of(
                ClassificationType,
                projects_pb2.ClassificationType,
                request.classification_type,
                field="classification_type",
                default=ClassificationType.MULTICLASS,
            ),
            request_id=request.request_id,
            domain_id=request.domain_id or DEFAULT_DOMAIN.domain_id,
            target_export_platforms=request.target_export_platforms,
        )
        return project_message(project)

    async def GetProject(self, request: projects_pb2.GetProjectRequest, context: Any) -> projects_pb2.Project:
        """Returns a project."""
        return project_message(await self._projects.get(request.project_id))

    async def ListProjects(
        self, request: projects_pb2.ListProjectsRequest, context: Any
    ) -> projects_pb2.ListProjectsResponse:
        """Returns one page of projects."""
        page = await self._projects.page(PageRequest(request.page_size, request.page_token), name=request.name)
        return projects_pb2.ListProjectsResponse(
            projects=map(project_message, page.items), next_page_token=page.next_page_token
        )

    async def UpdateProject(self, request: projects_pb2.UpdateProjectRequest, context: Any) -> projects_pb2.Project:
        """Changes the fields that are present."""
        project = await self._projects.update(
            request.project_id,
            name=request.name if request.HasField("name") else None,
            description=request.description if request.HasField("description") else None,
            classification_type=member_of(
                ClassificationType,
                projects_pb2.ClassificationType,
                request.classification_type,
                field="classification_type",
            )
            if request.HasField("classification_type")
            else None,
            domain_id=request.domain_id if request.HasField("domain_id") else None,
            target_export_platforms=request.target_export_platforms.platforms
            if request.HasField("target_export_platforms")
            else None,
        )
        return project_message(project)

    async def DeleteProject(self, request: projects_pb2.DeleteProjectRequest, context: Any) -> empty_pb2.Empty:
        """Deletes a project with all in it."""
        await self._projects.delete(request.project_id)
        return empty_pb2.Empty()


def project_message(project: Project) -> projects_pb2.Project:
    """Returns the message of a project."""
    return projects_pb2.Project(
        project_id=project.project_id,
        name=project.name,
        description=project.description,
        classification_type=value_of(projects_pb2.ClassificationType, project.classification_type),
        create_time=timestamp_of(project.create_time),
        update_time=timestamp_of(project.update_time),
        image_count=project.image_count,
        tag_count=project.tag_count,
        domain_id=project.domain_id,
        target_export_platforms=project.target_export_platforms,
        status=value_of(projects_pb2.ProjectStatus, project.status),
        thumbnail_image_id=project.thumbnail_image_id,
    )
