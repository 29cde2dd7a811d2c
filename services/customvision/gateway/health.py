"""Whether the whole suite serves."""

import asyncio

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.requests import Request
from starlette.responses import JSONResponse

from customvision.common.channel import open_channel
from customvision.common.keys import Keys

CHECK_SECONDS = 1.0


class SuiteHealth:
    """Asks every service's own health check, over ``channels`` by the name of the service."""

    def __init__(self, addresses: dict[str, str], keys: Keys) -> None:
        self.channels = {service: open_channel(address, keys) for service, address in addresses.items()}

    async def check(self) -> dict[str, bool]:
        """Returns for each service whether it serves."""
        answers = await asyncio.gather(*(_serves(channel) for channel in self.channels.values()))
        return dict(zip(self.channels, answers, strict=True))

    async def respond(self, _request: Request) -> JSONResponse:
        """Answers 200 once the whole suite serves, 503 before."""
        services = await self.check()
        states = {service: "serving" if serves else "not serving" for service, serves in services.items()}
        everything = all(services.values())
        body = {"status": "serving" if everything else "not serving", "services": states}
        return JSONResponse(body, status_code=200 if everything else 503)

    async def close(self) -> None:
        """Closes the channels."""
        await asyncio.gather(*(channel.close() for channel in self.channels.values()))


async def _serves(channel: grpc.aio.Channel) -> bool:
    stub = health_pb2_grpc.HealthStub(channel)
    try:
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=CHECK_SECONDS)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
