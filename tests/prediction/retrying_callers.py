"""Callers that ask without a pause, over a channel set up as docs/deployment.md has it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import grpc

from customvision.common.keys import Keys
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceStub

if TYPE_CHECKING:
    from customvision.v1.prediction_service_pb2_grpc import PredictionServiceAsyncStub

CALLERS = 4
CALL_SECONDS = 10.0
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}


class Callers:
    """What they met: how many calls were answered, and every error that reached them."""

    def __init__(self) -> None:
        self.answered = 0
        self.errors: list[grpc.aio.AioRpcError] = []

    async def more_answers(self, count: int) -> None:
        """Waits until so many more calls were answered."""
        wanted = self.answered + count
        async with asyncio.timeout(60):
            while self.answered < wanted:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def asking(addresses: Sequence[str], keys: Keys, request: messages.PredictRequest) -> AsyncIterator[Callers]:
    """Has callers ask all the while, over one channel each."""
    callers = Callers()
    tasks = [asyncio.create_task(_ask(callers, addresses, keys, request)) for _ in range(CALLERS)]
    try:
        yield callers
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, asyncio.CancelledError), outcome


async def _ask(callers: Callers, addresses: Sequence[str], keys: Keys, request: messages.PredictRequest) -> None:
    options = [
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 5_000),
        ("grpc.max_reconnect_backoff_ms", 1_000),
    ]
    async with grpc.aio.insecure_channel(f"ipv4:{','.join(addresses)}", options=options) as channel:
        stub: PredictionServiceAsyncStub = PredictionServiceStub(channel)
        while True:
            try:
                await stub.Predict(request, metadata=(("prediction-key", keys.prediction_key),), timeout=CALL_SECONDS)
                callers.answered += 1
            except grpc.aio.AioRpcError as error:
                callers.errors.append(error)
