"""Copying an Azure project into the suite: the project, its tags, then its images in batches.

The copy itself says how far it got: an image keeps its id at the source as its file name, so that copying again
brings only what is missing.
"""

import asyncio
import enum
import uuid
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from customvision.client.async_client import AsyncClient
from customvision.client.azure import errors
from customvision.client.azure.project import AzureImage, AzureProject, AzureTag
from customvision.client.errors import CustomVisionError
from customvision.client.operations.projects import is_id
from customvision.v1 import domains_pb2, images_pb2, projects_pb2, tags_pb2

# So many files are fetched at once, or wait in memory to be sent.
CONCURRENT_DOWNLOADS = 16
BATCH_IMAGES = 16
# As many ids of images as a source is asked for to know its copy by.
ASKED_AT_ONCE = 64
MAX_BATCH_BYTES = 24 * 1024 * 1024
MULTILABEL = projects_pb2.CLASSIFICATION_TYPE_MULTILABEL
MULTICLASS = projects_pb2.CLASSIFICATION_TYPE_MULTICLASS
TYPE_NAMES = {MULTILABEL: "multilabel", MULTICLASS: "multiclass"}
TAG_TYPES = {"Negative": tags_pb2.TAG_TYPE_NEGATIVE}


class CopyOutcome(enum.Enum):
    """What became of an image; one is identical whose very file the project has under another name."""

    COPIED = "copied"
    ALREADY_THERE = "already there"
    IDENTICAL = "identical"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class CopiedImage:
    """What became of one image of the source; ``message`` says why it was left out."""

    azure_id: str
    outcome: CopyOutcome
    message: str = ""


LEFT_OUT = CopyOutcome.LEFT_OUT
OUTCOMES = {
    images_pb2.IMAGE_CREATE_STATUS_OK: CopyOutcome.COPIED,
    images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE: CopyOutcome.IDENTICAL,
}


@dataclass(frozen=True)
class ProjectCopy:
    """The project that a copy goes to, and which of its tags stands for which tag at the source.

    ``is_new`` tells whether it was made for the copy; ``new_tags`` counts those that were; ``has_same_domain`` is
    False where the suite does not have the source's domain and General stands in for it.
    """

    project: projects_pb2.Project
    tag_ids: dict[str, str]
    is_new: bool
    new_tags: int
    has_same_domain: bool

    def tags_of(self, image: AzureImage) -> list[str]:
        """Returns the copy's tags for an image; one that was made at the source since is left to the next time."""
        return [self.tag_ids[tag_id] for tag_id in image.tag_ids if tag_id in self.tag_ids]


async def prepare_copy(client: AsyncClient, source: AzureProject, name: str = "", *, into: str = "") -> ProjectCopy:
    """Finds or makes the project, named as the source unless ``name`` is given, and the tags that it lacks.

    ``into`` is the name or id of a project to add to, whatever it holds. Raises CustomVisionError: AZURE_TYPE_DIFFERS
    where the project is of another classification type, AZURE_PROJECT_DIFFERS where one of that name has images and
    none of the source's.
    """
    domains = (await client.project.ListDomains(domains_pb2.ListDomainsRequest())).domains
    has_same_domain = source.domain_id in {domain.domain_id for domain in domains}
    found = await client.find_project(into) if into else await _find_project(client, name or source.name)
    project = found or await client.project.CreateProject(
        projects_pb2.CreateProjectRequest(
            name=name or source.name,
            description=source.description,
            classification_type=_type_of(source),
            domain_id=source.domain_id if has_same_domain else "",
            request_id=str(uuid.uuid4()),
        )
    )
    if project.classification_type != _type_of(source):
        here, there = TYPE_NAMES[project.classification_type], TYPE_NAMES[_type_of(source)]
        raise errors.other_type(project.name, here=here, there=there)
    if project.image_count and not into and not await _holds_images_of(client, source, project):
        raise errors.other_project(project.name, project.image_count)
    before = {tag.name: tag.tag_id async for tag in client.list_tags(project.project_id)}
    tags = await source.tags()
    made = {tag.name: await _create_tag(client, project.project_id, tag) for tag in tags if tag.name not in before}
    names = before | made
    return ProjectCopy(project, {tag.id: names[tag.name] for tag in tags}, found is None, len(made), has_same_domain)


async def copy_images(
    client: AsyncClient, source: AzureProject, copy: ProjectCopy
) -> AsyncGenerator[CopiedImage, None]:
    """Copies the images that the project lacks; yields what became of each image of the source, oldest first.

    What was yielded as copied is stored. An image that is there already gets the tags that it lacks, unless it has its
    one tag of a multiclass project. One that cannot be had or used is left out and the others go on.
    Raises CustomVisionError where the whole copy cannot go on.
    """
    project_id = copy.project.project_id
    here = {
        image.file_name: _Stored(image.image_id, set(image.tag_ids)) async for image in client.list_images(project_id)
    }
    async with aclosing(source.images()) as images, aclosing(_ahead(partial(_fetch, source, here), images)) as arrivals:
        async for batch in _batches(arrivals):
            stored = await _store(client, copy, [arrival for arrival in batch if arrival.data])
            for arrival in batch:
                yield stored.get(arrival.image.id) or await _without_upload(client, copy, arrival)


@dataclass(frozen=True)
class _Stored:
    """An image that the copy holds."""

    image_id: str
    tag_ids: set[str]


@dataclass(frozen=True)
class _Arrival:
    """An image of the source: stored here already, or with its file, or with the reason why there is none."""

    image: AzureImage
    stored: _Stored | None = None
    data: bytes = b""
    message: str = ""


async def _fetch(source: AzureProject, here: Mapping[str, _Stored], image: AzureImage) -> _Arrival:
    if image.id in here:
        return _Arrival(image, stored=here[image.id])
    try:
        return _Arrival(image, data=await source.download(image))
    except CustomVisionError as error:
        if error.reason not in errors.ABOUT_ONE_IMAGE:
            raise
        return _Arrival(image, message=error.message)


async def _ahead(
    fetch: Callable[[AzureImage], Coroutine[None, None, _Arrival]], images: AsyncIterator[AzureImage]
) -> AsyncGenerator[_Arrival, None]:
    """Yields what ``fetch`` returns for each image, in order, while it is at work on the next ones."""
    pending: deque[asyncio.Task[_Arrival]] = deque()
    try:
        async for image in images:
            pending.append(asyncio.create_task(fetch(image)))
            if len(pending) == CONCURRENT_DOWNLOADS:
                yield await pending.popleft()
        while pending:
            yield await pending.popleft()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _batches(arrivals: AsyncIterator[_Arrival]) -> AsyncIterator[list[_Arrival]]:
    batch: list[_Arrival] = []
    size = 0
    async for arrival in arrivals:
        if batch and (len(batch) == BATCH_IMAGES or size + len(arrival.data) > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(arrival)
        size += len(arrival.data)
    if batch:
        yield batch


async def _store(client: AsyncClient, copy: ProjectCopy, arrivals: Sequence[_Arrival]) -> dict[str, CopiedImage]:
    """Uploads files; returns what became of each, by the image's id at the source."""
    if not arrivals:
        return {}
    uploads = [
        images_pb2.ImageUpload(
            image_data=arrival.data,
            tag_ids=copy.tags_of(arrival.image),
            file_name=arrival.image.id,
            metadata=arrival.image.metadata,
        )
        for arrival in arrivals
    ]
    request = images_pb2.CreateImagesRequest(project_id=copy.project.project_id, images=uploads)
    results = (await client.project.CreateImages(request)).results
    return {
        arrival.image.id: CopiedImage(arrival.image.id, OUTCOMES.get(result.status, LEFT_OUT), result.message)
        for arrival, result in zip(arrivals, results, strict=True)
    }


async def _without_upload(client: AsyncClient, copy: ProjectCopy, arrival: _Arrival) -> CopiedImage:
    image, stored = arrival.image, arrival.stored
    if stored is None:
        return CopiedImage(image.id, LEFT_OUT, arrival.message or "Its file is empty at the source.")
    lacking = [tag_id for tag_id in copy.tags_of(image) if tag_id not in stored.tag_ids]
    has_its_only_tag = copy.project.classification_type == MULTICLASS and stored.tag_ids
    if not lacking or has_its_only_tag:
        return CopiedImage(image.id, CopyOutcome.ALREADY_THERE)
    request = images_pb2.TagImagesRequest(
        project_id=copy.project.project_id, image_ids=[stored.image_id], tag_ids=lacking
    )
    try:
        await client.project.TagImages(request)
    except CustomVisionError as error:
        if error.is_transient:
            raise
        return CopiedImage(image.id, LEFT_OUT, error.message)
    return CopiedImage(image.id, CopyOutcome.ALREADY_THERE)


async def _find_project(client: AsyncClient, name: str) -> projects_pb2.Project | None:
    try:
        return await client.find_project(name)
    except CustomVisionError as error:
        # An id is never made up by users: it names a project that is gone.
        if error.reason != "PROJECT_NOT_FOUND" or is_id(name):
            raise
        return None


async def _holds_images_of(client: AsyncClient, source: AzureProject, project: projects_pb2.Project) -> bool:
    """Tells whether some of the project's images came from the source; those that are gone there do not count."""
    asked: list[str] = []
    async with aclosing(client.list_images(project.project_id)) as images:
        async for image in images:
            if is_id(image.file_name):
                asked.append(image.file_name)
            if len(asked) == ASKED_AT_ONCE:
                break
    return bool(asked) and bool(await source.find_images(asked))


async def _create_tag(client: AsyncClient, project_id: str, tag: AzureTag) -> str:
    request = tags_pb2.CreateTagRequest(
        project_id=project_id,
        name=tag.name,
        description=tag.description,
        type=TAG_TYPES.get(tag.type, tags_pb2.TAG_TYPE_REGULAR),
        request_id=str(uuid.uuid4()),
    )
    return (await client.project.CreateTag(request)).tag_id


def _type_of(source: AzureProject) -> "projects_pb2.ClassificationType.ValueType":
    return MULTILABEL if source.is_multilabel else MULTICLASS
