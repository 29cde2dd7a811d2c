"""Short forms of calls that many tests of the project service make."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from customvision.v1 import artifacts_pb2, images_pb2, iterations_pb2, projects_pb2, tags_pb2
from pictures import photo

if TYPE_CHECKING:
    from customvision.v1.project_service_pb2_grpc import ProjectServiceAsyncStub

Stub: TypeAlias = "ProjectServiceAsyncStub"
MISSING = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Refusal:
    """How a call was refused."""

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: dict[str, str]
    fields: list[str]


async def refusal_of(call: Awaitable[object]) -> Refusal:
    """Returns how ``call`` was refused; fails where it was not."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        if not detail.Unpack(info):
            detail.Unpack(bad)
    return Refusal(
        code=error.code(),
        reason=info.reason,
        message=error.details() or "",
        metadata=dict(info.metadata),
        fields=[violation.field for violation in bad.field_violations],
    )


async def all_of(stream: Any) -> list[Any]:
    """Returns every message of a stream."""
    return [message async for message in stream]


async def make_project(stub: Stub, name: str = "garden", *, multilabel: bool = False) -> projects_pb2.Project:
    """Creates a project."""
    kind = projects_pb2.CLASSIFICATION_TYPE_MULTILABEL if multilabel else projects_pb2.CLASSIFICATION_TYPE_MULTICLASS
    return await stub.CreateProject(projects_pb2.CreateProjectRequest(name=name, classification_type=kind))


async def make_tag(stub: Stub, project_id: str, name: str, *, negative: bool = False) -> str:
    """Creates a tag and returns its id."""
    kind = tags_pb2.TAG_TYPE_NEGATIVE if negative else tags_pb2.TAG_TYPE_REGULAR
    return (await stub.CreateTag(tags_pb2.CreateTagRequest(project_id=project_id, name=name, type=kind))).tag_id


async def add_images(
    stub: Stub, project_id: str, photos: Iterable[bytes], tag_ids: Sequence[str] = ()
) -> list[images_pb2.ImageCreateResult]:
    """Adds photos in one batch, all with ``tag_ids``."""
    uploads = [images_pb2.ImageUpload(image_data=data, file_name=f"{n}.jpg") for n, data in enumerate(photos)]
    request = images_pb2.CreateImagesRequest(project_id=project_id, images=uploads, tag_ids=tag_ids)
    return list((await stub.CreateImages(request)).results)


async def add_photos(
    stub: Stub, project_id: str, seeds: Iterable[int], tag_ids: Sequence[str] = ()
) -> list[images_pb2.Image]:
    """Adds a drawn photo per seed and returns the images; fails where one is refused."""
    results = await add_images(stub, project_id, [photo(seed) for seed in seeds], tag_ids)
    assert all(result.image_id for result in results), results
    return [result.image for result in results]


async def upload(
    stub: Stub, project_id: str, photos: Iterable[bytes], tag_ids: Sequence[str] = ()
) -> images_pb2.UploadImagesResponse:
    """Adds photos over one stream."""

    async def messages() -> AsyncIterator[images_pb2.UploadImagesRequest]:
        header = images_pb2.UploadImagesHeader(project_id=project_id, tag_ids=tag_ids)
        yield images_pb2.UploadImagesRequest(header=header)
        for number, data in enumerate(photos):
            image = images_pb2.ImageUpload(image_data=data, file_name=f"{number}.jpg")
            yield images_pb2.UploadImagesRequest(image=image)

    return await stub.UploadImages(messages())


async def image_list(stub: Stub, project_id: str, **options: Any) -> list[images_pb2.Image]:
    """Returns every image that ListImages with these options gives, page by page."""
    images: list[images_pb2.Image] = []
    token = ""
    while True:
        request = images_pb2.ListImagesRequest(project_id=project_id, page_token=token, **options)
        answer = await stub.ListImages(request)
        images.extend(answer.images)
        token = answer.next_page_token
        if not token:
            return images


async def content_of(stub: Stub, image: images_pb2.Image, variant: images_pb2.ImageVariant.ValueType = 0) -> bytes:  # type: ignore[assignment]
    """Returns the stored bytes of an image."""
    request = images_pb2.GetImageContentRequest(project_id=image.project_id, image_id=image.image_id, variant=variant)
    chunks = await all_of(stub.GetImageContent(request))
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    return b"".join(chunk.data for chunk in chunks)


async def upload_artifact(stub: Stub, sha256: str, size_bytes: int, pieces: Iterable[bytes]) -> artifacts_pb2.Artifact:
    """Uploads an artifact announced with this digest and size."""

    async def messages() -> AsyncIterator[artifacts_pb2.UploadArtifactRequest]:
        header = artifacts_pb2.UploadArtifactHeader(sha256=sha256, size_bytes=size_bytes)
        yield artifacts_pb2.UploadArtifactRequest(header=header)
        for piece in pieces:
            yield artifacts_pb2.UploadArtifactRequest(data=piece)

    return await stub.UploadArtifact(messages())


async def freeze(stub: Stub, project_id: str, **options: Any) -> iterations_pb2.Iteration:
    """Freezes the current data set."""
    return await stub.CreateIteration(iterations_pb2.CreateIterationRequest(project_id=project_id, **options))


async def make_trainable(stub: Stub, *, first_seed: int = 0) -> tuple[str, list[str]]:
    """Creates a project with two tags of five images each; returns the project's id and the tags'."""
    project_id = (await make_project(stub)).project_id
    tag_ids = [await make_tag(stub, project_id, name) for name in ("dahlia", "rose")]
    for number, tag_id in enumerate(tag_ids):
        start = first_seed + 5 * number
        await add_photos(stub, project_id, range(start, start + 5), [tag_id])
    return project_id, tag_ids


async def complete(
    stub: Stub,
    iteration: iterations_pb2.Iteration,
    *,
    backbone_id: str = "backbone-1",
    evaluation: bytes = b"evaluation",
) -> iterations_pb2.Iteration:
    """Uploads a model of a few bytes, the iteration's own, with its evaluation, and completes the iteration with it."""
    digests = []
    for data in (f"model of {iteration.iteration_id}".encode(), b"backbone", b"weights", evaluation):
        digests.append(hashlib.sha256(data).hexdigest())
        await upload_artifact(stub, digests[-1], len(data), [data])
    return await stub.CompleteIteration(completion(iteration, digests, backbone_id=backbone_id))


def completion(
    iteration: iterations_pb2.Iteration, digests: Sequence[str], *, backbone_id: str = "backbone-1"
) -> iterations_pb2.CompleteIterationRequest:
    """Returns the request that completes an iteration with these four artifacts."""
    return iterations_pb2.CompleteIterationRequest(
        project_id=iteration.project_id,
        iteration_id=iteration.iteration_id,
        backbone=iterations_pb2.Backbone(
            backbone_id=backbone_id,
            architecture="mobilenet_v2_1.0_224",
            weights_source=iterations_pb2.WEIGHTS_SOURCE_PATH,
            weights_sha256=digests[2],
        ),
        artifacts=iterations_pb2.IterationArtifacts(
            model_sha256=digests[0],
            backbone_sha256=digests[1],
            backbone_weights_sha256=digests[2],
            evaluation_sha256=digests[3],
        ),
        metrics=iterations_pb2.IterationMetrics(
            precision=0.5, recall=0.25, average_precision=1.0, accuracy=0.75, held_out_image_count=2
        ),
        warnings=["No trained backbone was to be had."],
    )
