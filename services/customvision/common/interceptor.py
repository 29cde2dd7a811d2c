"""What surrounds every call: authentication, error translation, counting, the access log, a span."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import grpc

from customvision.common.access_log import AccessLog
from customvision.common.authentication import KeyRing, Role
from customvision.common.call import AnsweredCall, Surroundings
from customvision.common.call_metrics import CallMetrics, Method
from customvision.common.running_calls import RunningCalls
from customvision.common.tracing import Tracer

# Health must answer before anyone has a key; every other service names the roles that open it.
OPEN_SERVICES = frozenset({"grpc.health.v1.Health"})

Begin = Callable[[Any, Any], AnsweredCall]


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Lets through calls whose key has one of the roles of their service, and turns errors into statuses.

    A service that is not in ``roles`` is open to nobody. Health is apart: it neither counts as ``running`` nor is
    turned away. Methods that there are not make no figures.
    """

    def __init__(
        self,
        key_ring: KeyRing,
        roles: dict[str, frozenset[Role]],
        running: RunningCalls,
        metrics: CallMetrics,
        access_log: AccessLog,
        tracer: Tracer | None = None,
    ) -> None:
        self._key_ring = key_ring
        self._roles = roles
        self._running = running
        self._metrics = metrics
        self._access_log = access_log
        self._tracer = tracer
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Returns the handler of the call's method with all that surrounds it."""
        path = str(handler_call_details.method)
        wrapped = self._wrapped.get(path)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        service, _, name = path.strip("/").partition("/")
        if handler is None or service in OPEN_SERVICES:
            return handler
        # Kept by a method that there is, so callers cannot make them many.
        wrapped = self._wrapped[path] = self._wrap(handler, service, name)
        return wrapped

    def _wrap(
        self, handler: grpc.RpcMethodHandler[Any, Any], service: str, name: str
    ) -> grpc.RpcMethodHandler[Any, Any]:
        # Typed loosely: which of a handler's four behaviours is set depends on its two flags.
        behaviours: Any = handler
        method = Method(service, name, behaviours.request_streaming, behaviours.response_streaming)
        surroundings = Surroundings(
            method=method,
            key_ring=self._key_ring,
            roles=self._roles.get(service, frozenset()),
            running=self._running,
            metrics=self._metrics.of(method),
            access_log=self._access_log,
            tracer=self._tracer,
        )
        return _surrounded(behaviours, lambda request, context: AnsweredCall(surroundings, request, context))


def _surrounded(behaviours: Any, begin: Begin) -> grpc.RpcMethodHandler[Any, Any]:
    serialization = {
        "request_deserializer": behaviours.request_deserializer,
        "response_serializer": behaviours.response_serializer,
    }
    wrapped: Any
    if behaviours.response_streaming and behaviours.request_streaming:
        stream = _around_stream(behaviours.stream_stream, begin)
        wrapped = grpc.stream_stream_rpc_method_handler(stream, **serialization)
    elif behaviours.response_streaming:
        stream = _around_stream(behaviours.unary_stream, begin)
        wrapped = grpc.unary_stream_rpc_method_handler(stream, **serialization)
    elif behaviours.request_streaming:
        unary = _around_unary(behaviours.stream_unary, begin)
        wrapped = grpc.stream_unary_rpc_method_handler(unary, **serialization)
    else:
        unary = _around_unary(behaviours.unary_unary, begin)
        wrapped = grpc.unary_unary_rpc_method_handler(unary, **serialization)
    return cast("grpc.RpcMethodHandler[Any, Any]", wrapped)


def _around_unary(behaviour: Any, begin: Begin) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        call = begin(request, context)
        try:
            call.admit()
            return await behaviour(call.request, context)
        except BaseException as error:
            await call.fail(error)
            raise
        finally:
            call.end()

    return answer


def _around_stream(behaviour: Any, begin: Begin) -> Any:
    if not inspect.isasyncgenfunction(behaviour):
        raise TypeError(f"{behaviour!r} must be an async generator")

    async def answer(request: Any, context: Any) -> AsyncIterator[Any]:
        call = begin(request, context)
        try:
            call.admit()
            async with contextlib.aclosing(behaviour(call.request, context)) as responses:
                async for response in responses:
                    call.send()
                    yield response
        except BaseException as error:
            await call.fail(error)
            raise
        finally:
            call.end()

    return answer
