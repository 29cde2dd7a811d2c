"""Holds many open watches of models, in a process of its own: `idle_watchers.py ADDRESS KEY PROJECT COUNT`.

Prints a line of JSON once all are synchronized, and another once each was told one change after that; ends with its
standard input.
"""

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING

import grpc

from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceStub

if TYPE_CHECKING:
    from customvision.v1.prediction_service_pb2_grpc import PredictionServiceAsyncStub

STREAMS_PER_CONNECTION = 100
# So many open at a time: opening all at one instant would measure the client.
OPENING = 200
OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]


class Watchers:
    """``synchronized`` is set once all watches are open and told what there is, ``told`` once each has news."""

    def __init__(self, address: str, key: str, project_id: str, count: int) -> None:
        self._address = address
        self._metadata = (("prediction-key", key),)
        self._request = messages.WatchModelsRequest(project_id=project_id)
        self._count = count
        self._waiting = self._without_news = count
        self._opening = asyncio.Semaphore(OPENING)
        self.synchronized = asyncio.Event()
        self.told = asyncio.Event()
        self.problem = ""

    async def run(self) -> None:
        """Watches until cancelled, or until a watch fails."""
        channels = [
            grpc.aio.insecure_channel(self._address, options=OPTIONS)
            for _ in range(0, self._count, STREAMS_PER_CONNECTION)
        ]
        stubs: list[PredictionServiceAsyncStub] = [PredictionServiceStub(channel) for channel in channels]
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._count):
                    group.create_task(self._watch(stubs[number // STREAMS_PER_CONNECTION]))
        except* grpc.aio.AioRpcError as errors:
            first = errors.exceptions[0]
            self.problem = first.code().name if isinstance(first, grpc.aio.AioRpcError) else str(first)
            self.synchronized.set()
            self.told.set()

    async def _watch(self, stub: "PredictionServiceAsyncStub") -> None:
        async with self._opening:
            call = stub.WatchModels(self._request, metadata=self._metadata)
            async for event in call:
                if event.WhichOneof("event") == "synchronized":
                    break
        self._waiting -= 1
        if not self._waiting:
            self.synchronized.set()
        told = False
        async for event in call:
            if event.WhichOneof("event") == "model" and not told:
                told = True
                self._without_news -= 1
                if not self._without_news:
                    self.told.set()


async def main() -> None:
    """Opens the watches and tells how far they are."""
    address, key, project_id, count = sys.argv[1:]
    watchers = Watchers(address, key, project_id, int(count))
    running = asyncio.create_task(watchers.run())
    began = time.monotonic()
    for event in (watchers.synchronized, watchers.told):
        await event.wait()
        # The clock of the machine, so that the reader can say since when.
        _tell({"problem": watchers.problem, "seconds": time.monotonic() - began, "at": time.time()})
    await asyncio.to_thread(sys.stdin.read)
    running.cancel()


def _tell(content: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
