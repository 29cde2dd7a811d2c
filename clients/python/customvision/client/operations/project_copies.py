"""Copying projects: a token, a copy that is begun with it, and the wait until that is whole."""

import time
import uuid

import grpc

from customvision.client.errors import CustomVisionError
from customvision.client.steps import Call, Sleep, Steps
from customvision.v1 import projects_pb2

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5


def export_project(project_id: str) -> Steps[projects_pb2.ProjectExport]:
    """Returns a token that lets its holder copy the project for a day."""
    request = projects_pb2.ExportProjectRequest(project_id=project_id)
    export: projects_pb2.ProjectExport = yield Call("project", "ExportProject", request)
    return export


def import_project(token: str, name: str) -> Steps[projects_pb2.Project]:
    """Begins a copy and returns it as it is then; a call that is repeated makes one copy only."""
    request = projects_pb2.ImportProjectRequest(token=token, name=name, request_id=str(uuid.uuid4()))
    project: projects_pb2.Project = yield Call("project", "ImportProject", request)
    return project


def wait_until_imported(project_id: str, timeout_seconds: float) -> Steps[projects_pb2.Project]:
    """Returns a copy once it is whole.

    Raises CustomVisionError: PROJECT_IMPORT_FAILED where it ended early, PROJECT_NOT_IMPORTED_IN_TIME.
    """
    deadline = time.monotonic() + timeout_seconds
    pause = FIRST_PAUSE_SECONDS
    request = projects_pb2.GetProjectRequest(project_id=project_id)
    while True:
        project: projects_pb2.Project = yield Call("project", "GetProject", request)
        if project.status == projects_pb2.PROJECT_STATUS_FAILED:
            raise CustomVisionError(
                "PROJECT_IMPORT_FAILED",
                f"The copy '{project.name}' ended early and is not whole. Delete it and import again.",
                grpc.StatusCode.FAILED_PRECONDITION,
            )
        if project.status != projects_pb2.PROJECT_STATUS_IMPORTING:
            return project
        if time.monotonic() + pause > deadline:
            raise CustomVisionError(
                "PROJECT_NOT_IMPORTED_IN_TIME",
                f"The copy '{project.name}' is not whole after {timeout_seconds:g} seconds. It goes on by itself.",
                grpc.StatusCode.DEADLINE_EXCEEDED,
            )
        yield Sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
