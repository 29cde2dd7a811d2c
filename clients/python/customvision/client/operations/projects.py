"""Finding a project by what its user calls it."""

import uuid

import grpc

from customvision.client.errors import CustomVisionError
from customvision.client.steps import Call, Steps
from customvision.v1 import projects_pb2


def is_id(text: str) -> bool:
    """Tells whether ``text`` has the form of an id of this service."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def find_project(name_or_id: str) -> Steps[projects_pb2.Project]:
    """Returns the project with this id or exactly this name.

    Raises CustomVisionError: PROJECT_NOT_FOUND; PROJECT_NAME_AMBIGUOUS, with the ids, where several share the name.
    """
    if is_id(name_or_id):
        try:
            project: projects_pb2.Project = yield Call(
                "project", "GetProject", projects_pb2.GetProjectRequest(project_id=name_or_id.lower())
            )
        except CustomVisionError as error:
            if error.code is not grpc.StatusCode.NOT_FOUND:
                raise
        else:
            return project
    answer: projects_pb2.ListProjectsResponse = yield Call(
        "project", "ListProjects", projects_pb2.ListProjectsRequest(name=name_or_id)
    )
    if not answer.projects:
        message = f"There is no project '{name_or_id}'. `customvision projects list` shows those that there are."
        raise CustomVisionError("PROJECT_NOT_FOUND", message, grpc.StatusCode.NOT_FOUND, {"name": name_or_id})
    if len(answer.projects) > 1:
        ids = ", ".join(project.project_id for project in answer.projects)
        message = f"{len(answer.projects)} projects are named '{name_or_id}'. Give the id instead, one of: {ids}."
        metadata = {"name": name_or_id, "project_ids": ids}
        raise CustomVisionError("PROJECT_NAME_AMBIGUOUS", message, grpc.StatusCode.FAILED_PRECONDITION, metadata)
    return answer.projects[0]
