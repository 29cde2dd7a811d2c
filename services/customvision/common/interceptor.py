"""What surrounds every call: authentication, error translation, counting, the access log, a span."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.message import Message

from customvision.common.access_log import AccessLog
from customvision.common.authentication import KeyRing, Role
from customvision.common.call import AnsweredCall, Surroundings
from customvision.common.call_metrics import CallMetrics, Method
from customvision.common.errors import ServiceError
from customvision.common.reception import OpenReception, Reception
from customvision.common.running_calls import RunningCalls
from customvision.common.tracing import Tracer

# Health must answer before anyone has a key; every other service names the roles that open it.
OPEN_SERVICES = frozenset({"grpc.health.v1.Health"})
# A question about health names a service or a model.
MAX_OPEN_BYTES = 4096

Begin = Callable[[Any], AnsweredCall]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


@dataclass(frozen=True)
class GuardedMethod:
    """A method that ``roles`` open: its calls are handled, or refused; ``reception`` is that of its messages."""

    roles: frozenset[Role]
    handler: Handler
    reception: Reception | None
    begin: Begin

    def refusing(self, error: ServiceError) -> Handler:
        """Returns a handler that ends a call with ``error`` and reads nothing of it."""

        async def refuse(_requests: Any, context: Any) -> None:
            call = self.begin(context)
            try:
                call.admit(error)
            except ServiceError as refusal:
                await call.fail(refusal)
            finally:
                call.end()

        # On the wire there is no difference, but of one message grpc would read all before it asks.
        return grpc.stream_unary_rpc_method_handler(refuse)


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Lets through calls whose key has one of the roles of their service, and turns errors into statuses.

    Keys are looked at before anything of a call is read. A service that is not in ``roles`` is open to nobody. Health
    is apart: it neither counts as ``running`` nor is turned away. Methods that there are not make no figures.
    ``reception`` is that of the large messages.
    """

    def __init__(
        self,
        key_ring: KeyRing,
        roles: dict[str, frozenset[Role]],
        running: RunningCalls,
        metrics: CallMetrics,
        access_log: AccessLog,
        tracer: Tracer | None = None,
        reception: Reception | None = None,
    ) -> None:
        self._key_ring = key_ring
        self._roles = roles
        self._running = running
        self._metrics = metrics
        self._access_log = access_log
        self._tracer = tracer
        self._reception = reception
        self._open_reception = OpenReception()
        self._guarded: dict[str, GuardedMethod] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Returns the handler of the call's method with all that surrounds it, or one that refuses the call."""
        path = str(handler_call_details.method)
        guarded = self._guarded.get(path)
        if guarded is None:
            handler = await continuation(handler_call_details)
            service, _, name = path.strip("/").partition("/")
            if handler is None:
                return None
            if service in OPEN_SERVICES:
                return _open(handler, self._open_reception)
            # Kept by a method that there is, so callers cannot make them many.
            guarded = self._guarded[path] = self._guard(handler, service, name)
        try:
            role = self._key_ring.authenticate(handler_call_details.invocation_metadata or (), guarded.roles)
            if guarded.reception is not None:
                guarded.reception.may_enter(role)
        except ServiceError as error:
            return guarded.refusing(error)
        return guarded.handler

    def _guard(self, handler: Handler, service: str, name: str) -> GuardedMethod:
        # Typed loosely: which of a handler's four behaviours is set depends on its two flags.
        behaviours: Any = handler
        method = Method(service, name, behaviours.request_streaming, behaviours.response_streaming)
        surroundings = Surroundings(
            method=method,
            running=self._running,
            metrics=self._metrics.of(method),
            access_log=self._access_log,
            tracer=self._tracer,
        )

        def begin(context: Any) -> AnsweredCall:
            return AnsweredCall(surroundings, context)

        roles = self._roles.get(service, frozenset())
        reception = self._reception if self._reception is not None and method.path in self._reception.methods else None
        if reception is None:
            return GuardedMethod(roles, _surrounded(behaviours, begin), None, begin)
        authenticate = partial(self._role_of, roles)
        unary = _around_received(behaviours.unary_unary, begin, reception, authenticate)
        return GuardedMethod(
            roles, grpc.stream_unary_rpc_method_handler(unary, **_serialization(behaviours)), reception, begin
        )

    def _role_of(self, roles: frozenset[Role], context: Any) -> Role:
        return self._key_ring.authenticate(context.invocation_metadata() or (), roles)


def _open(handler: Handler, reception: OpenReception) -> Handler:
    """Returns a handler that has its one message received by ``reception``."""
    behaviours: Any = handler

    async def received(context: Any) -> Any:
        request = await reception.receive(context)
        if request is None:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "The call's message did not come in time.")
        # A watch holds it for as long as it lasts.
        elif request.ByteSize() > MAX_OPEN_BYTES:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"The message has more than {MAX_OPEN_BYTES} bytes.")
        return request

    async def answer(_unread: Any, context: Any) -> Any:
        return await behaviours.unary_unary(await received(context), context)

    async def stream(_unread: Any, context: Any) -> AsyncIterator[Any]:
        request = await received(context)
        async with contextlib.aclosing(behaviours.unary_stream(request, context)) as responses:
            async for response in responses:
                yield response

    wrapped: Any
    if behaviours.response_streaming:
        wrapped = grpc.stream_stream_rpc_method_handler(stream, **_serialization(behaviours))
    else:
        wrapped = grpc.stream_unary_rpc_method_handler(answer, **_serialization(behaviours))
    return cast("Handler", wrapped)


def _surrounded(behaviours: Any, begin: Begin) -> Handler:
    serialization = _serialization(behaviours)
    wrapped: Any
    if behaviours.response_streaming and behaviours.request_streaming:
        stream = _around_stream(behaviours.stream_stream, begin, streamed=True)
        wrapped = grpc.stream_stream_rpc_method_handler(stream, **serialization)
    elif behaviours.response_streaming:
        stream = _around_stream(behaviours.unary_stream, begin)
        wrapped = grpc.unary_stream_rpc_method_handler(stream, **serialization)
    elif behaviours.request_streaming:
        unary = _around_unary(behaviours.stream_unary, begin, streamed=True)
        wrapped = grpc.stream_unary_rpc_method_handler(unary, **serialization)
    else:
        unary = _around_unary(behaviours.unary_unary, begin)
        wrapped = grpc.unary_unary_rpc_method_handler(unary, **serialization)
    return cast("Handler", wrapped)


def _serialization(behaviours: Any) -> dict[str, Any]:
    return {
        "request_deserializer": behaviours.request_deserializer,
        "response_serializer": behaviours.response_serializer,
    }


def _around_unary(behaviour: Any, begin: Begin, *, streamed: bool = False) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        call = begin(context)
        try:
            call.admit()
            return await _begun(behaviour, call, request, context, streamed=streamed)
        except BaseException as error:
            await call.fail(error)
            raise
        finally:
            call.end()

    return answer


def _around_received(behaviour: Any, begin: Begin, reception: Reception, authenticate: Callable[[Any], Role]) -> Any:
    async def answer(_unread: Any, context: Any) -> Any:
        call = begin(context)
        try:
            call.admit()
            message = await reception.receive(authenticate(context), context)
            with reception.room.held(_size_of(message)):
                answering = _begun(behaviour, call, message, context)
                # What answers lets go of it when it may.
                del message
                return await answering
        except BaseException as error:
            await call.fail(error)
            raise
        finally:
            call.end()

    return answer


def _around_stream(behaviour: Any, begin: Begin, *, streamed: bool = False) -> Any:
    if not inspect.isasyncgenfunction(behaviour):
        raise TypeError(f"{behaviour!r} must be an async generator")

    async def answer(request: Any, context: Any) -> AsyncIterator[Any]:
        call = begin(context)
        try:
            call.admit()
            async with contextlib.aclosing(_begun(behaviour, call, request, context, streamed=streamed)) as responses:
                async for response in responses:
                    call.send()
                    yield response
        except BaseException as error:
            await call.fail(error)
            raise
        finally:
            call.end()

    return answer


def _begun(behaviour: Any, call: AnsweredCall, request: Any, context: Any, *, streamed: bool = False) -> Any:
    """Returns what ``behaviour`` makes of a call: of its message, or of its messages where they are ``streamed``."""
    if streamed:
        return behaviour(call.messages(), context)
    call.concern(request)
    return behaviour(request, context)


def _size_of(message: Any) -> int:
    return message.ByteSize() if isinstance(message, Message) else len(message)
