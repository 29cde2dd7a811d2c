"""Exports of iterations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from customvision.gateway.export_downloads import export_path
from customvision.gateway.links import Links
from customvision.gateway.rest.models.exports import (
    EXPORT_FLAVORS,
    EXPORT_PLATFORMS,
    EXPORT_STATES,
    FORMATS,
    Export,
    Name,
    export_name,
)
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.rest.training.export_names import ExportNames
from customvision.gateway.services import Services
from customvision.v1 import training_service_pb2

PATH = "/projects/{project_id}/iterations/{iteration_id}/export"


def export_routes(services: Services, links: Links) -> APIRouter:
    """Returns the routes of exports."""
    routes, training, names = routes_about("Exports"), services.training, ExportNames()

    @routes.get(PATH, operation_id="GetExports")
    async def get_exports(project_id: UUID, iteration_id: UUID, request: Request) -> list[Export]:
        """Lists the exports, oldest first; poll it until the status is Done or Failed."""
        asked = training_service_pb2.ListExportsRequest(project_id=str(project_id), iteration_id=str(iteration_id))
        return [
            _told(export, name, links, request)
            for export in (await training.ListExports(asked)).exports
            for name in names.of(str(iteration_id), export.format)
        ]

    @routes.post(PATH, operation_id="ExportIteration")
    async def export_iteration(
        project_id: UUID,
        iteration_id: UUID,
        request: Request,
        platform: Annotated[str, Query(json_schema_extra={"enum": EXPORT_PLATFORMS})],
        flavor: Annotated[str | None, Query(json_schema_extra={"enum": [*EXPORT_FLAVORS, None]})] = None,
    ) -> Export:
        """Begins to make a zip of a completed iteration's model, or tells of the one that there is."""
        name = export_name(platform, flavor)
        start = training_service_pb2.StartExportRequest(
            project_id=str(project_id), iteration_id=str(iteration_id), format=FORMATS[name]
        )
        export = await training.StartExport(start)
        names.remember(str(iteration_id), export.format, name)
        return _told(export, name, links, request)

    return routes


def _told(export: training_service_pb2.Export, name: Name, links: Links, request: Request) -> Export:
    done = export.state == training_service_pb2.EXPORT_STATE_DONE
    platform, flavor = name
    return Export(
        platform=platform,
        status=EXPORT_STATES.word(export.state),
        download_uri=links.url(request, export_path(export)) if done else None,
        flavor=flavor,
        newer_version_available=False,
    )
