"""A project service in place of the real one: it has published models and their artifacts, in memory, and no more."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from customvision.common.authentication import KeyRing
from customvision.common.errors import NotFound
from customvision.common.keys import Keys
from customvision.common.logs import configure_logging
from customvision.common.server import TRAINING_KEY_ONLY, Server, ServiceDefinition
from customvision.v1 import artifacts_pb2, iterations_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceServicer, add_ProjectServiceServicer_to_server
from customvision.vision.artifacts import ModelArtifact, digest_of

CHUNK_BYTES = 2**19

Context = grpc.aio.ServicerContext[Any, Any]
Event = iterations_pb2.PublishedModelEvent


class ProjectDouble(ProjectServiceServicer):
    """Serves on an event loop of its own thread. ``fetched`` counts the artifacts that were asked for.

    Artifacts and publications may come from any thread, before it runs and while it does.
    """

    def __init__(self) -> None:
        self.address = ""
        self.fetched = 0
        self._artifacts: dict[str, Callable[[], bytes]] = {}
        self._published: dict[tuple[str, str], iterations_pb2.PublishedModel] = {}
        self._watches: list[asyncio.Queue[Event | None]] = []
        self._loop = asyncio.new_event_loop()

    def add_artifact(self, data: bytes) -> str:
        """Keeps an artifact and returns its digest."""
        sha256 = digest_of(data)
        self._artifacts[sha256] = lambda: data
        return sha256

    def add_makeable(self, make: Callable[[], bytes]) -> str:
        """Returns the digest of an artifact that is made anew whenever it is asked for, and keeps how."""
        sha256 = digest_of(make())
        self._artifacts[sha256] = make
        return sha256

    def publish(self, project_id: str, publish_name: str, iteration_id: str, model: ModelArtifact) -> None:
        """Publishes a model and tells whoever watches; its backbone must be there."""
        published = iterations_pb2.PublishedModel(
            project_id=project_id,
            publish_name=publish_name,
            iteration_id=iteration_id,
            artifacts=iterations_pb2.IterationArtifacts(
                model_sha256=self.add_artifact(model.to_bytes()), backbone_sha256=model.backbone_sha256
            ),
        )
        self._published[project_id, publish_name] = published
        self._loop.call_soon_threadsafe(self._tell, Event(published=published))

    @contextmanager
    def running(self, keys: Keys) -> Iterator["ProjectDouble"]:
        """Serves on a free port until the end of the block."""
        configure_logging("project double", "warning")
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        definition = ServiceDefinition(
            name="project",
            full_name="customvision.v1.ProjectService",
            register=lambda server: add_ProjectServiceServicer_to_server(self, server),
            roles=TRAINING_KEY_ONLY,
            end_streams=self._end_watches,
        )
        server = asyncio.run_coroutine_threadsafe(self._start(definition, keys), self._loop).result()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    async def WatchPublishedModels(
        self, request: iterations_pb2.WatchPublishedModelsRequest, context: Context
    ) -> AsyncIterator[Event]:
        """Tells what is published, then every change."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._watches.append(queue)
        for published in list(self._published.values()):
            yield Event(published=published)
        yield Event(synchronized=iterations_pb2.PublishedModelsSynchronized())
        while (event := await queue.get()) is not None:
            yield event

    async def GetArtifact(
        self, request: artifacts_pb2.GetArtifactRequest, context: Context
    ) -> AsyncIterator[artifacts_pb2.ArtifactChunk]:
        """Streams an artifact."""
        self.fetched += 1
        if request.sha256 not in self._artifacts:
            raise NotFound("There is no such artifact.")
        data = self._artifacts[request.sha256]()
        for start in range(0, len(data), CHUNK_BYTES):
            yield artifacts_pb2.ArtifactChunk(data=data[start : start + CHUNK_BYTES])

    async def _start(self, definition: ServiceDefinition, keys: Keys) -> Server:
        server = Server(definition, "127.0.0.1:0", KeyRing(keys))
        self.address = await server.start()
        return server

    def _tell(self, event: Event) -> None:
        for queue in self._watches:
            queue.put_nowait(event)

    def _end_watches(self) -> None:
        for queue in self._watches:
            queue.put_nowait(None)
