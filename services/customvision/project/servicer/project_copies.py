"""The calls about copies of projects."""

from typing import Any

from customvision.project.servicer.conversions import timestamp_of
from customvision.project.servicer.projects import project_message
from customvision.project.use_cases.project_copies import ProjectCopies
from customvision.v1 import projects_pb2


class ProjectCopyMethods:
    """Translates the calls about copies of projects."""

    _project_copies: ProjectCopies

    async def ExportProject(
        self, request: projects_pb2.ExportProjectRequest, context: Any
    ) -> projects_pb2.ProjectExport:
        """Gives a token that lets its holder copy the project."""
        export = await self._project_copies.export(request.project_id)
        return projects_pb2.ProjectExport(
            token=export.token,
            expire_time=timestamp_of(export.expire_time),
            image_count=export.image_count,
            tag_count=export.tag_count,
            iteration_count=export.iteration_count,
        )

    async def ImportProject(self, request: projects_pb2.ImportProjectRequest, context: Any) -> projects_pb2.Project:
        """Begins a copy of a project."""
        return project_message(
            await self._project_copies.begin(request.token, name=request.name, request_id=request.request_id)
        )
