"""The calls that a server answers now, so that it can finish them and take no more."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias, cast

import grpc

from customvision.common.notifier import ServiceStopping, wait
from customvision.common.status import status_of

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class RunningCalls(grpc.aio.ServerInterceptor):
    """Stands around the methods of every service but those of ``apart``. Belongs to one event loop."""

    def __init__(self, apart: frozenset[str]) -> None:
        self._apart = apart
        self._handlers: dict[str, Handler] = {}
        self._count = 0
        self._turning_away = False
        self._none = asyncio.Event()

    async def finish(self, seconds: float) -> None:
        """Turns new calls away with ServiceStopping; returns when those that run have ended, or after ``seconds``."""
        self._turning_away = True
        if self._count:
            await wait(self._none, seconds)

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Returns the handler of the call's method, counted."""
        method = str(handler_call_details.method)
        counted = self._handlers.get(method)
        if counted is None:
            handler = await continuation(handler_call_details)
            if handler is None or method.strip("/").partition("/")[0] in self._apart:
                return handler
            # By methods that there are, so that callers cannot make them many.
            counted = self._handlers[method] = self._counted(handler)
        return counted

    @contextlib.asynccontextmanager
    async def _around(self, context: Any) -> AsyncIterator[None]:
        if self._turning_away:
            await context.abort_with_status(status_of(ServiceStopping()))
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            if not self._count and self._turning_away:
                self._none.set()

    def _counted(self, handler: Handler) -> Handler:
        behaviours: Any = handler
        kind = f"{_word(behaviours.request_streaming)}_{_word(behaviours.response_streaming)}"
        behaviour = getattr(behaviours, kind)

        async def answer(request: Any, context: Any) -> Any:
            async with self._around(context):
                return await behaviour(request, context)

        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            async with self._around(context), contextlib.aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response

        make = getattr(grpc, f"{kind}_rpc_method_handler")
        made = make(
            stream if behaviours.response_streaming else answer,
            request_deserializer=behaviours.request_deserializer,
            response_serializer=behaviours.response_serializer,
        )
        return cast("Handler", made)


def _word(streaming: bool) -> str:
    return "stream" if streaming else "unary"
