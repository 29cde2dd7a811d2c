"""An Azure project as it is read: its tags, and its images page by page."""

import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from customvision.client.azure import errors
from customvision.client.azure.connection import AzureConnection
from customvision.client.operations.image_files import MAX_IMAGE_BYTES
from customvision.client.operations.projects import is_id

PAGE_IMAGES = 256
OBJECT_DETECTION, MULTILABEL = "ObjectDetection", "Multilabel"


@dataclass(frozen=True)
class AzureTag:
    """A tag at the source."""

    id: str
    name: str
    description: str
    type: str


@dataclass(frozen=True)
class AzureImage:
    """An image at the source: what it carries, and the link that leads to its file for a day."""

    id: str
    link: str
    tag_ids: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AzureProject:
    """A classification project at the source. Its methods raise CustomVisionError."""

    connection: AzureConnection = field(repr=False)
    id: str
    name: str
    description: str
    domain_id: str
    domain_name: str
    is_multilabel: bool

    async def tags(self) -> list[AzureTag]:
        """Returns all tags."""
        with _understood(self.connection):
            return [_tag(entry) for entry in await self._list("/tags")]

    async def image_count(self) -> int:
        """Returns how many images there are, tagged or not."""
        with _understood(self.connection):
            return int(await self.connection.get(self._path("/images/count"), {"taggingStatus": "All"}))

    async def images(self) -> AsyncGenerator[AzureImage, None]:
        """Yields all images once, tagged or not, oldest first, so that those added meanwhile come last."""
        skip, seen = 0, set[str]()
        while True:
            parameters = {"taggingStatus": "All", "orderBy": "Oldest", "take": str(PAGE_IMAGES), "skip": str(skip)}
            with _understood(self.connection):
                page = [_image(entry) for entry in await self._list("/images", parameters)]
            new = [image for image in page if image.id not in seen]
            for image in new:
                yield image
            if len(page) < PAGE_IMAGES:
                return
            if not new:
                raise errors.not_the_api(self.connection.host, "it lists the same images again and again")
            skip += len(page)
            seen.update(image.id for image in new)

    async def find_images(self, image_ids: Sequence[str]) -> list[AzureImage]:
        """Returns those of at most 64 images that there are, with links that have just been made."""
        with _understood(self.connection):
            return [_image(entry) for entry in await self._list("/images/id", {"imageIds": ",".join(image_ids)})]

    async def download(self, image: AzureImage) -> bytes:
        """Returns an image's file as it was uploaded; asks for a new link where the one at hand has expired."""
        data = await self._download(image.link)
        if data is None:
            renewed = await self.find_images([image.id])
            data = await self._download(renewed[0].link) if renewed else None
        if data is None:
            raise errors.image_gone()
        return data

    async def _download(self, link: str) -> bytes | None:
        # Resources in a virtual network give paths in place of links.
        if link.startswith("/"):
            return await self.connection.download_artifact(self.id, link, MAX_IMAGE_BYTES)
        return await self.connection.download(link, MAX_IMAGE_BYTES)

    async def _list(self, path: str, parameters: Mapping[str, str] | None = None) -> list[Any]:
        return _entries(await self.connection.get(self._path(path), parameters))

    def _path(self, path: str) -> str:
        return f"/projects/{self.id}{path}"


async def find_azure_project(connection: AzureConnection, name_or_id: str) -> AzureProject:
    """Returns the classification project with this id or exactly this name.

    Raises CustomVisionError: AZURE_PROJECT_NOT_FOUND, AZURE_PROJECT_AMBIGUOUS, AZURE_OBJECT_DETECTION.
    """
    with _understood(connection):
        found = await connection.get(f"/projects/{name_or_id.lower()}") if is_id(name_or_id) else None
        entry = found or _project_named(name_or_id, _entries(await connection.get("/projects")))
        domain = await connection.get(f"/domains/{_uuid(entry['settings']['domainId'])}") or {}
        return _project(connection, entry, domain)


def _project_named(name: str, projects: list[Any]) -> Any:
    found = [entry for entry in projects if entry["name"] == name]
    if not found:
        raise errors.project_not_found(name, [entry["name"] for entry in projects])
    if len(found) > 1:
        raise errors.project_ambiguous(name, [entry["id"] for entry in found])
    return found[0]


def _project(connection: AzureConnection, entry: Any, domain: Any) -> AzureProject:
    name, settings = str(entry["name"]), entry["settings"]
    classification_type = settings.get("classificationType")
    if domain.get("type") == OBJECT_DETECTION or classification_type is None:
        raise errors.object_detection(name)
    return AzureProject(
        connection,
        id=_uuid(entry["id"]),
        name=name,
        description=str(entry.get("description") or ""),
        domain_id=_uuid(settings["domainId"]),
        domain_name=str(domain.get("name") or settings["domainId"]),
        is_multilabel=classification_type == MULTILABEL,
    )


def _tag(entry: Any) -> AzureTag:
    description, kind = str(entry.get("description") or ""), str(entry.get("type") or "Regular")
    return AzureTag(_uuid(entry["id"]), str(entry["name"]), description, kind)


def _image(entry: Any) -> AzureImage:
    return AzureImage(
        _uuid(entry["id"]),
        str(entry.get("originalImageUri") or entry["resizedImageUri"]),
        tuple(_uuid(tag["tagId"]) for tag in entry.get("tags") or ()),
        {str(key): str(value) for key, value in (entry.get("metadata") or {}).items()},
    )


def _entries(content: Any) -> list[Any]:
    if not isinstance(content, list):
        raise TypeError("not a list")
    return content


def _uuid(text: str) -> str:
    return str(uuid.UUID(text))


@contextmanager
def _understood(connection: AzureConnection) -> Iterator[None]:
    """Turns what cannot be read of an answer into a CustomVisionError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise errors.not_the_api(connection.host, f"{type(error).__name__}: {error}") from error
