"""Every call of the project service needs the training key."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory

from customvision.common.authentication import KeyRing
from customvision.common.keys import Keys
from customvision.common.server import Server
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service
from customvision.v1 import project_service_pb2

METHODS = {method.name: method for method in project_service_pb2.DESCRIPTOR.services_by_name["ProjectService"].methods}


@pytest.fixture
async def address(settings: Settings, keys: Keys) -> AsyncIterator[str]:
    """The address of a project service."""
    async with open_project_service(settings) as definition:
        server = Server(definition, "127.0.0.1:0", KeyRing(keys))
        yield await server.start()
        await server.stop()


async def test_no_call_is_open(address: str, keys: Keys) -> None:
    """Without a key, with a wrong one, and with the prediction key each call is refused, whatever its kind."""
    cases = [
        ((), grpc.StatusCode.UNAUTHENTICATED),
        ((("training-key", "wrong"),), grpc.StatusCode.UNAUTHENTICATED),
        ((("prediction-key", keys.prediction_key),), grpc.StatusCode.PERMISSION_DENIED),
        ((("training-key", keys.prediction_key),), grpc.StatusCode.PERMISSION_DENIED),
    ]
    assert len(METHODS) == 51
    async with grpc.aio.insecure_channel(address) as channel:
        for name in METHODS:
            for metadata, code in cases:
                assert await _code(channel, name, metadata) == code, name


async def _code(channel: grpc.aio.Channel, name: str, metadata: tuple[tuple[str, str], ...]) -> grpc.StatusCode:
    method = METHODS[name]
    request = message_factory.GetMessageClass(method.input_type)()
    kinds: dict[tuple[bool, bool], Any] = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
    }
    # Nothing is sent into a stream: refused while it writes, grpc.aio tells of the failed write, not of the answer.
    call = kinds[method.client_streaming, method.server_streaming](
        f"/customvision.v1.ProjectService/{name}", request_serializer=lambda message: message.SerializeToString()
    )(None if method.client_streaming else request, metadata=metadata, timeout=10)
    code = await call.code()
    assert isinstance(code, grpc.StatusCode)
    return code
