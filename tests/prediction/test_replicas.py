"""Several prediction services that know nothing of one another, and callers that use them all."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from customvision.common.authentication import KeyRing
from customvision.common.server import Server
from customvision.prediction.wiring import open_prediction_service
from customvision.v1 import prediction_service_pb2 as messages
from models import model
from pictures import photo
from prediction.retrying_callers import CALLERS, asking
from prediction.running_suite import PATIENCE_SECONDS, Suite

RED = photo(1, color=(220, 40, 90))
DRAIN_SECONDS = 0.1
RESTARTS = 4


class Replica:
    """A prediction service on a data folder of its own that can be drained and started again at its address."""

    def __init__(self, suite: Suite, home: Path) -> None:
        self.address = "127.0.0.1:0"
        self._settings = dataclasses.replace(suite.settings, home=home)
        self._keys = suite.keys
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Starts it and has it serve once it is ready."""
        definition = await self._stack.enter_async_context(open_prediction_service(self._settings, self._keys))
        server = Server(definition, self.address, KeyRing(self._keys))
        self.address = await server.start()
        self._stack.push_async_callback(server.stop, DRAIN_SECONDS)
        await definition.until_ready()

    async def found_by_all(self) -> None:
        """Waits until every caller is connected."""
        port = int(self.address.rpartition(":")[2])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._connections(port) < CALLERS:
                await asyncio.sleep(0.02)

    def _connections(self, port: int) -> int:
        connections = psutil.Process().net_connections("tcp")
        return sum(it.laddr.port == port and it.status == psutil.CONN_ESTABLISHED for it in connections)

    async def drain(self) -> None:
        """Does what a SIGTERM does."""
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def replicas(suite: Suite, folder: Path) -> AsyncIterator[list[Replica]]:
    """Runs two replicas."""
    pair = [Replica(suite, folder / name) for name in ("one", "other")]
    for replica in pair:
        await replica.start()
    try:
        yield pair
    finally:
        for replica in pair:
            await replica.drain()


async def test_no_call_fails_while_replicas_are_replaced(suite: Suite, tmp_path: Path) -> None:
    """Under load one replica after the other is drained and started again; no caller notices."""
    suite.project.publish("p", "m", "i", model())
    request = messages.PredictRequest(project_id="p", publish_name="m", image_data=RED)
    async with (
        replicas(suite, tmp_path) as pair,
        asking([replica.address for replica in pair], suite.keys, request) as callers,
    ):
        for number in range(RESTARTS):
            await callers.more_answers(20)
            replica = pair[number % 2]
            await replica.drain()
            await callers.more_answers(20)
            await replica.start()
            await replica.found_by_all()
        await callers.more_answers(20)
    assert callers.errors == []


async def test_a_new_replica_answers_nothing_wrong_before_it_knows(suite: Suite, tmp_path: Path) -> None:
    """A replica that is called before the project service told it anything has the caller try another one."""
    suite.project.publish("p", "m", "i", model())
    request = messages.PredictRequest(project_id="p", publish_name="m", image_data=RED)
    async with replicas(suite, tmp_path / "pair") as pair:
        newcomer = dataclasses.replace(suite.settings, home=tmp_path / "new", project_address="127.0.0.1:9")
        async with open_prediction_service(newcomer, suite.keys) as definition:
            server = Server(definition, "127.0.0.1:0", KeyRing(suite.keys))
            addresses = [await server.start(), pair[0].address, pair[1].address]
            async with asking(addresses, suite.keys, request) as callers:
                await callers.more_answers(15)
            await server.stop()
    assert callers.errors == []
