"""Short forms of what tests of copies of projects do."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

import models
from customvision.training.evaluation.performance import Evaluation
from customvision.v1 import artifacts_pb2, iterations_pb2, projects_pb2, tags_pb2
from customvision.vision.artifacts import Label, ModelArtifact
from project_calls import Stub, all_of, completion, upload_artifact

IMPORTING = projects_pb2.PROJECT_STATUS_IMPORTING
SUCCEEDED = projects_pb2.PROJECT_STATUS_SUCCEEDED
FAILED = projects_pb2.PROJECT_STATUS_FAILED


async def token_of(stub: Stub, project_id: str) -> str:
    """Returns a token that lets the project be copied."""
    return (await stub.ExportProject(projects_pb2.ExportProjectRequest(project_id=project_id))).token


async def begin_copy(stub: Stub, token: str, **options: Any) -> projects_pb2.Project:
    """Begins a copy and returns what the service answers at once."""
    return await stub.ImportProject(projects_pb2.ImportProjectRequest(token=token, **options))


async def project_of(stub: Stub, project_id: str) -> projects_pb2.Project:
    """Returns a project."""
    return await stub.GetProject(projects_pb2.GetProjectRequest(project_id=project_id))


async def ended(stub: Stub, project_id: str, status: projects_pb2.ProjectStatus.ValueType) -> projects_pb2.Project:
    """Returns a project once it is not being copied any more; fails where it then has another status."""
    async with asyncio.timeout(60):
        while (project := await project_of(stub, project_id)).status == IMPORTING:
            await asyncio.sleep(0.01)
    assert project.status == status
    return project


async def copied(stub: Stub, project_id: str, **options: Any) -> projects_pb2.Project:
    """Returns a copy of a project once it is whole."""
    begun = await begin_copy(stub, await token_of(stub, project_id), **options)
    return await ended(stub, begun.project_id, SUCCEEDED)


async def delete_project(stub: Stub, project_id: str) -> None:
    """Deletes a project."""
    await stub.DeleteProject(projects_pb2.DeleteProjectRequest(project_id=project_id))


async def tags_of(stub: Stub, project_id: str) -> list[tags_pb2.Tag]:
    """Returns the tags of a project in order of creation."""
    return list((await stub.ListTags(tags_pb2.ListTagsRequest(project_id=project_id))).tags)


async def iterations_of(stub: Stub, project_id: str) -> list[iterations_pb2.Iteration]:
    """Returns the iterations of a project, newest first."""
    request = iterations_pb2.ListIterationsRequest(project_id=project_id)
    return list((await stub.ListIterations(request)).iterations)


async def artifact(stub: Stub, sha256: str) -> bytes:
    """Returns an artifact's bytes."""
    chunks = await all_of(stub.GetArtifact(artifacts_pb2.GetArtifactRequest(sha256=sha256)))
    return b"".join(chunk.data for chunk in chunks)


async def complete_with_model(
    stub: Stub, iteration: iterations_pb2.Iteration, warning: str = "", *, told: Mapping[str, str] | None = None
) -> iterations_pb2.Iteration:
    """Completes an iteration with a model of its tags, and an evaluation on all its images, or on those of ``told``.

    ``told`` says which tag each of its images is told to be, both by their ids.
    """
    request = iterations_pb2.GetIterationDataSetRequest(
        project_id=iteration.project_id, iteration_id=iteration.iteration_id
    )
    pieces = await all_of(stub.GetIterationDataSet(request))
    tags = [tag for piece in pieces for tag in piece.tags]
    images = [image for piece in pieces for image in piece.images]
    named = models.model(tuple(tag.name for tag in tags))
    model = ModelArtifact(**{**vars(named), "labels": tuple(Label(tag.tag_id, tag.name) for tag in tags)})
    tag_ids = [tag.tag_id for tag in tags]
    truth = np.ones((len(images), len(tags)), np.uint8)
    probabilities = np.full((len(images), len(tags)), 0.5, np.float32)
    if told is not None:
        images = [image for image in images if image.image_id in told]
        truth = np.array([[tag_id in image.tag_ids for tag_id in tag_ids] for image in images], np.uint8)
        probabilities = np.array(
            [[tag_id == told[image.image_id] for tag_id in tag_ids] for image in images], np.float32
        )
    evaluation = Evaluation(
        image_ids=tuple(image.image_id for image in images),
        tag_ids=tuple(tag_ids),
        tag_names=tuple(tag.name for tag in tags),
        image_counts=(5,) * len(tags),
        multilabel=False,
        truth=truth,
        probabilities=probabilities,
    )
    digests = []
    for data in (model.to_bytes(), models.backbone().to_bytes(), b"weights", evaluation.to_bytes()):
        digests.append(hashlib.sha256(data).hexdigest())
        await upload_artifact(stub, digests[-1], len(data), [data])
    done = completion(iteration, digests)
    if warning:
        done.warnings.append(warning)
    return await stub.CompleteIteration(done)
