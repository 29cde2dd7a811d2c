"""A project service served for a test, and a call stub to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import grpc
import pytest

from customvision.common.server import ServiceDefinition
from customvision.common.settings import Settings
from customvision.project.domain.project_copy import ProjectImport
from customvision.project.use_cases.project_importing import ProjectImporter
from customvision.project.wiring import open_project_service
from customvision.v1 import project_service_pb2_grpc
from project_calls import Stub

ServeService = Callable[[ServiceDefinition], AbstractAsyncContextManager[grpc.aio.Channel]]


@pytest.fixture
async def stub(settings: Settings, serve_service: ServeService) -> AsyncIterator[Stub]:
    """A stub of a project service with an empty home."""
    async with open_project_service(settings) as definition, serve_service(definition) as channel:
        yield project_service_pb2_grpc.ProjectServiceStub(channel)


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Copies that are begun are not made until this is set."""
    may_go_on = asyncio.Event()
    make = ProjectImporter._make

    async def wait_and_make(self: ProjectImporter, project_import: ProjectImport) -> None:
        await may_go_on.wait()
        await make(self, project_import)

    monkeypatch.setattr(ProjectImporter, "_make", wait_and_make)
    return may_go_on
