"""What surrounds every call: authentication, error translation, the access log."""

from __future__ import annotations

import contextlib
import inspect
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import grpc
import structlog

from customvision.common.authentication import KeyRing, Role
from customvision.common.errors import ServiceError
from customvision.common.status import code_of, internal_status, status_of

REQUEST_ID_HEADER = "x-request-id"
# Health must answer before anyone has a key; every other service names the roles that open it.
OPEN_SERVICES = frozenset({"grpc.health.v1.Health"})

log = structlog.get_logger()


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Lets through calls whose key has one of the roles of their service, and turns errors into statuses.

    A service that is not in ``roles`` is open to nobody.
    """

    def __init__(self, key_ring: KeyRing, roles: dict[str, frozenset[Role]]) -> None:
        self._key_ring = key_ring
        self._roles = roles

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wraps the handler of the call's method."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        service = method.strip("/").partition("/")[0]
        if handler is None or service in OPEN_SERVICES:
            return handler
        return _wrap(handler, lambda context: self._around(context, method, service))

    @contextlib.asynccontextmanager
    async def _around(self, context: Any, method: str, service: str) -> AsyncIterator[None]:
        metadata = tuple(context.invocation_metadata() or ())
        request_id = _request_id(metadata)
        started = time.monotonic()
        outcome = "OK"
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                self._key_ring.authenticate(metadata, self._roles.get(service, frozenset()))
                yield
            except ServiceError as error:
                outcome = code_of(error).name
                await context.abort_with_status(status_of(error))
            except grpc.aio.AbortError:
                outcome = "ABORTED"
                raise
            except Exception:
                outcome = "INTERNAL"
                log.exception("call failed", method=method)
                await context.abort_with_status(internal_status())
            finally:
                elapsed = round((time.monotonic() - started) * 1000, 1)
                log.debug("call", method=method, status=outcome, milliseconds=elapsed)


def _request_id(metadata: tuple[tuple[str, str | bytes], ...]) -> str:
    given = next((value for name, value in metadata if name == REQUEST_ID_HEADER), "")
    usable = isinstance(given, str) and 0 < len(given) <= 128 and given.isprintable()
    return str(given) if usable else uuid.uuid4().hex


def _wrap(
    handler: grpc.RpcMethodHandler[Any, Any],
    around: Callable[[Any], contextlib.AbstractAsyncContextManager[None]],
) -> grpc.RpcMethodHandler[Any, Any]:
    # Typed loosely: which of a handler's four behaviours is set depends on its two flags.
    behaviours: Any = handler
    serialization = {
        "request_deserializer": behaviours.request_deserializer,
        "response_serializer": behaviours.response_serializer,
    }
    wrapped: Any
    if behaviours.response_streaming and behaviours.request_streaming:
        stream = _around_stream(behaviours.stream_stream, around)
        wrapped = grpc.stream_stream_rpc_method_handler(stream, **serialization)
    elif behaviours.response_streaming:
        stream = _around_stream(behaviours.unary_stream, around)
        wrapped = grpc.unary_stream_rpc_method_handler(stream, **serialization)
    elif behaviours.request_streaming:
        unary = _around_unary(behaviours.stream_unary, around)
        wrapped = grpc.stream_unary_rpc_method_handler(unary, **serialization)
    else:
        unary = _around_unary(behaviours.unary_unary, around)
        wrapped = grpc.unary_unary_rpc_method_handler(unary, **serialization)
    return cast("grpc.RpcMethodHandler[Any, Any]", wrapped)


def _around_unary(behaviour: Any, around: Callable[[Any], contextlib.AbstractAsyncContextManager[None]]) -> Any:
    async def call(request: Any, context: Any) -> Any:
        async with around(context):
            return await behaviour(request, context)

    return call


def _around_stream(behaviour: Any, around: Callable[[Any], contextlib.AbstractAsyncContextManager[None]]) -> Any:
    if not inspect.isasyncgenfunction(behaviour):
        raise TypeError(f"{behaviour!r} must be an async generator")

    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        async with around(context), contextlib.aclosing(behaviour(request, context)) as responses:
            async for response in responses:
                yield response

    return call
