"""What every test may use: keys, settings on port 0, real servers in this process."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import grpc
import hypothesis
import pytest

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.server import Server, ServiceDefinition
from customvision.common.settings import Settings

# A shell that starts the tests in the background has them, and all that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
# No balancer has to notice that a service of these tests ends.
os.environ["CUSTOMVISION_DRAIN_SECONDS"] = "0"

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

ServeService = Callable[[ServiceDefinition], AbstractAsyncContextManager[grpc.aio.Channel]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets long files begin first: the last of them would keep one processor busy while nothing is left for others."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Two keys that no machine has."""
    return Keys(training_key="t" * 64, prediction_key="p" * 64)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with an empty home, every service on port 0, no download, and no features before a training asks."""
    return Settings(
        home=tmp_path / "home",
        project_address="127.0.0.1:0",
        training_address="127.0.0.1:0",
        prediction_address="127.0.0.1:0",
        http_address="127.0.0.1:0",
        backbone_download=False,
        training_early_embedding=False,
    )


@pytest.fixture
def serve_service(keys: Keys) -> ServeService:
    """Serves a service definition on port 0 and opens a channel to it that carries the training key."""

    @asynccontextmanager
    async def serve(definition: ServiceDefinition) -> AsyncIterator[grpc.aio.Channel]:
        server = Server(definition, "127.0.0.1:0", KeyRing(keys))
        address = await server.start()
        channel = open_channel(address, keys)
        try:
            yield channel
        finally:
            await channel.close()
            await server.stop()

    return serve
