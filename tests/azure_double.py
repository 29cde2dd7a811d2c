"""An Azure Custom Vision resource as far as moving out of it needs: real HTTP, links that expire, limits, trouble."""

import asyncio
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEY = "a" * 32
GENERAL = "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"
DETECTION = "da2e3a8a-40a5-4171-82f4-58522f70fbc1"
UNKNOWN_DOMAIN = "45badf75-3591-4f26-a705-45678d3e9f00"
DOMAINS = {
    GENERAL: {"id": GENERAL, "name": "General", "type": "Classification"},
    DETECTION: {"id": DETECTION, "name": "General", "type": "ObjectDetection"},
    UNKNOWN_DOMAIN: {"id": UNKNOWN_DOMAIN, "name": "Faces", "type": "Classification"},
}
MAX_TAKE = 256
API = "/customvision/v3.3/training"


@dataclass
class StoredImage:
    """An image of the double; ``link`` replaces the one that it would be given."""

    data: bytes
    tag_ids: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    link: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class StoredProject:
    """A project of the double."""

    name: str
    domain_id: str = GENERAL
    classification_type: str | None = "Multilabel"
    description: str | None = None
    tags: list[dict[str, Any]] = field(default_factory=list)
    images: list[StoredImage] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def add_tag(self, name: str, *, description: str | None = None, kind: str = "Regular") -> str:
        """Makes a tag and returns its id."""
        tag_id = str(uuid.uuid4())
        self.tags.append({"id": tag_id, "name": name, "description": description, "type": kind, "imageCount": 0})
        return tag_id


class AzureDouble:
    """Answers as the service does. ``trouble`` has answers to give, in turn, in place of the next ones to a path."""

    def __init__(self) -> None:
        self.projects: list[StoredProject] = []
        self.trouble: dict[str, list[Response]] = {}
        self.requests: list[Request] = []
        self.endpoint = ""
        # Files wait until it is set.
        self.gives_files = threading.Event()
        self.gives_files.set()
        self._valid_links = 1
        self._routes = [
            Route(API + "/projects", self._projects),
            Route(API + "/projects/{project}", self._project),
            Route(API + "/domains/{domain}", self._domain),
            Route(API + "/projects/{project}/tags", self._tags),
            Route(API + "/projects/{project}/images", self._images),
            Route(API + "/projects/{project}/images/count", self._count),
            Route(API + "/projects/{project}/images/id", self._by_ids),
            Route(API + "/projects/{project}/artifacts", self._artifact),
            Route("/blobs/{image}", self._blob),
        ]

    def expire_links(self) -> None:
        """Ends all links that were given until now."""
        self._valid_links += 1

    def downloads(self) -> Counter[str]:
        """Returns how often the file of each image was asked for."""
        return Counter(request.path_params["image"] for request in self.requests if "image" in request.path_params)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serves on a port of its own and yields the endpoint."""
        application = Starlette(routes=self._routes)
        config = uvicorn.Config(application, log_level="error", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
            thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
            thread.start()
            try:
                yield self.endpoint
            finally:
                server.should_exit = True
                thread.join()

    def _trouble(self, request: Request, *, needs_key: bool = True) -> Response | None:
        self.requests.append(request)
        if needs_key and request.headers.get("training-key") != KEY:
            message = "Access denied due to invalid subscription key or wrong API endpoint."
            return JSONResponse({"error": {"code": "401", "message": message}}, 401)
        waiting = self.trouble.get(request.url.path.removeprefix(API))
        return waiting.pop(0) if waiting else None

    def _found(self, request: Request) -> StoredProject | None:
        return next((each for each in self.projects if each.id == request.path_params["project"]), None)

    async def _projects(self, request: Request) -> Response:
        return self._trouble(request) or JSONResponse([_project_json(project) for project in self.projects])

    async def _project(self, request: Request) -> Response:
        project = self._found(request)
        if project is None:
            return self._trouble(request) or _not_found("NotFoundProject")
        return self._trouble(request) or JSONResponse(_project_json(project))

    async def _domain(self, request: Request) -> Response:
        return self._trouble(request) or JSONResponse(DOMAINS[request.path_params["domain"]])

    async def _tags(self, request: Request) -> Response:
        project = self._found(request)
        assert project is not None
        return self._trouble(request) or JSONResponse(project.tags)

    async def _images(self, request: Request) -> Response:
        project = self._found(request)
        assert project is not None
        take, skip = int(request.query_params.get("take", 50)), int(request.query_params.get("skip", 0))
        if take > MAX_TAKE:
            return JSONResponse({"code": "BadRequestInvalid", "message": "take is at most 256"}, 400)
        images = project.images if request.query_params["orderBy"] == "Oldest" else project.images[::-1]
        page = [self._image_json(project, image) for image in images[skip : skip + take]]
        return self._trouble(request) or JSONResponse(page)

    async def _count(self, request: Request) -> Response:
        project = self._found(request)
        assert project is not None
        return self._trouble(request) or JSONResponse(len(project.images))

    async def _by_ids(self, request: Request) -> Response:
        project = self._found(request)
        assert project is not None
        wanted = request.query_params["imageIds"].split(",")
        found = [self._image_json(project, image) for image in project.images if image.id in wanted]
        return self._trouble(request) or JSONResponse(found)

    async def _artifact(self, request: Request) -> Response:
        project = self._found(request)
        assert project is not None
        image_id = request.query_params["path"].rpartition("/i-")[2]
        return self._trouble(request) or self._file(image_id)

    async def _blob(self, request: Request) -> Response:
        trouble = self._trouble(request, needs_key=False)
        if trouble is not None:
            return trouble
        while not self.gives_files.is_set():
            await asyncio.sleep(0.01)
        if request.url.query != self._signature():
            return Response("<Error>AuthenticationFailed</Error>", 403, media_type="application/xml")
        return self._file(request.path_params["image"])

    def _signature(self) -> str:
        # As the service spells it: what is escaped must reach the store escaped.
        return f"sv=2017-04-17&sr=b&sig=Zm9v%2B{self._valid_links}%2FYg%3D%3D&se=2020-11-07T17%3A34%3A55Z&sp=r"

    def _file(self, image_id: str) -> Response:
        images = (image for project in self.projects for image in project.images if image.id == image_id)
        image = next(images, None)
        if image is None or not image.data:
            return Response("<Error>BlobNotFound</Error>", 404, media_type="application/xml")
        return Response(image.data, media_type="application/octet-stream")

    def _image_json(self, project: StoredProject, image: StoredImage) -> dict[str, Any]:
        names = {tag["id"]: tag["name"] for tag in project.tags}
        link = image.link or f"{self.endpoint}/blobs/{image.id}?{self._signature()}"
        content: dict[str, Any] = {
            "id": image.id,
            "created": "2020-11-06T17:34:53.6925759",
            "width": 96,
            "height": 72,
            "resizedImageUri": link,
            "originalImageUri": link,
            "thumbnailUri": link,
        }
        if image.tag_ids:
            content["tags"] = [{"tagId": tag_id, "tagName": names[tag_id]} for tag_id in image.tag_ids]
        return content | ({"metadata": image.metadata} if image.metadata else {})


def _project_json(project: StoredProject) -> dict[str, Any]:
    settings = {"domainId": project.domain_id, "classificationType": project.classification_type}
    return {"id": project.id, "name": project.name, "description": project.description, "settings": settings}


def _not_found(code: str) -> Response:
    return JSONResponse({"code": code, "message": "It is not there."}, 404)
