"""From the page's scripts to the services: any call of the contract, as JSON, and nothing of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from pydantic import RootModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from customvision.common.status import code_of
from customvision.gateway.api_errors import ApiError, service_error
from customvision.gateway.bodies import read_json
from customvision.gateway.room import MIB
from customvision.gateway.services import Services
from customvision.v1 import prediction_service_pb2, project_service_pb2, training_service_pb2

MAX_BODY_BYTES = 4 * MIB
LINES = "application/x-ndjson"
CONTRACT: dict[str, ServiceDescriptor] = {
    "project": project_service_pb2.DESCRIPTOR.services_by_name["ProjectService"],
    "training": training_service_pb2.DESCRIPTOR.services_by_name["TrainingService"],
    "prediction": prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"],
}
STATUSES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


class _Body(RootModel[dict[str, Any]]):
    """A request's fields."""


class Calls:
    """Answers calls with one response as JSON, and streams as a line of JSON for each message."""

    def __init__(self, services: Services, stopping: asyncio.Event) -> None:
        """Endless streams end once ``stopping`` is set."""
        self._stubs = {name: getattr(services, name) for name in CONTRACT}
        self._stopping = stopping

    async def respond(self, request: Request) -> Response:
        """Answers ``POST /page/calls/SERVICE/METHOD``, whose body is the request and whose answer is the response."""
        stub, method = self._found(request, server_streaming=False)
        return await answered(stub(await _message(request, method)))

    async def stream(self, request: Request) -> Response:
        """Answers ``POST /page/streams/SERVICE/METHOD``: a line for each response, an error as the last line."""
        stub, method = self._found(request, server_streaming=True)
        return StreamingResponse(self._lines(stub(await _message(request, method))), media_type=LINES)

    async def _lines(self, call: Any) -> AsyncIterator[str]:
        ending = asyncio.create_task(_cancel_once(self._stopping, call))
        try:
            async for message in call:
                yield _text(message) + "\n"
        except grpc.aio.AioRpcError as error:
            yield json.dumps({"error": _told(error)}) + "\n"
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
        finally:
            ending.cancel()
            call.cancel()

    def _found(self, request: Request, *, server_streaming: bool) -> tuple[Any, MethodDescriptor]:
        names = request.path_params
        service = CONTRACT.get(names["service"])
        method = service.methods_by_name.get(names["method"]) if service else None
        if method is None or method.client_streaming or method.server_streaming is not server_streaming:
            raise ApiError("NotFound", "The contract has no such call, or not in this form.")
        return getattr(self._stubs[names["service"]], names["method"]), method


async def answered(call: Awaitable[Message]) -> Response:
    """Returns what a call to a service comes to: its response as JSON, or its refusal."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return JSONResponse(_told(error), status_code=_status(error))
    return Response(_text(answer), media_type="application/json")


async def _message(request: Request, method: MethodDescriptor) -> Any:
    body = await read_json(request, _Body, limit=MAX_BODY_BYTES)
    message = message_factory.GetMessageClass(method.input_type)()
    try:
        return json_format.ParseDict(body.root, message)
    except json_format.ParseError as error:
        raise ApiError("BadRequestInvalid", f"The body is no {method.input_type.name}: {error}.") from error


def _text(message: Any) -> str:
    return str(json_format.MessageToJson(message, always_print_fields_with_no_presence=True, indent=None))


def _told(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """Returns an error as the services tell it, with their own reason and sentence."""
    told = service_error(error)
    return {"code": code_of(told).name, "reason": told.reason, "message": told.message, "metadata": told.metadata}


def _status(error: grpc.aio.AioRpcError) -> int:
    return STATUSES.get(code_of(service_error(error)), 500)


async def _cancel_once(stopping: asyncio.Event, call: Any) -> None:
    await stopping.wait()
    call.cancel()
