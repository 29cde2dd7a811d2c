"""What surrounds every call: the key, a deadline, patience, and errors as CustomVisionError."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from customvision.client.blocking_streams import BlockingStream, OpenStreams
from customvision.client.errors import CustomVisionError, error_from_call
from customvision.client.operations.patience import Contact

UNARY_SECONDS = 30.0
UPLOAD_SECONDS = 300.0


@dataclass(frozen=True)
class Target:
    """The service that a channel leads to, the metadata entry that opens it, and the contact with its suite."""

    service: str
    address: str
    credentials: tuple[str, str] = field(repr=False)
    contact: Contact

    def error(self, error: grpc.RpcError) -> CustomVisionError:
        """Returns the failure of a call to this service as one of ours."""
        return error_from_call(error, service=self.service, address=self.address)


class BlockingInterceptor(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds key and deadline to the calls of a blocking channel, translates their errors and knows their streams."""

    def __init__(self, target: Target, streams: OpenStreams) -> None:
        self._target = target
        self._streams = streams

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Makes a call with one request and one response; repeats it while the service is away."""
        patience = self._target.contact.patience()
        while True:
            try:
                outcome = self._outcome(continuation(self._details(client_call_details, UNARY_SECONDS), request))
            except CustomVisionError as error:
                time.sleep(patience.pause_after(error))
            else:
                self._target.contact.made()
                return outcome

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        """Makes a call with many requests and one response."""
        return self._outcome(continuation(self._details(client_call_details, UPLOAD_SECONDS), request_iterator))

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Makes a call with one request and many responses; it has no deadline unless the caller gave one."""
        return self._stream(continuation(self._details(client_call_details, None), request))

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        """Makes a call with many requests and many responses; it has no deadline unless the caller gave one."""
        return self._stream(continuation(self._details(client_call_details, None), request_iterator))

    def _stream(self, call: Any) -> BlockingStream:
        return BlockingStream(call, self._target.error, self._streams.add(call))

    def _details(self, details: Any, seconds: float | None) -> Any:
        timeout = details.timeout if details.timeout is not None else seconds
        return details._replace(metadata=(*(details.metadata or ()), self._target.credentials), timeout=timeout)

    def _outcome(self, outcome: Any) -> Any:
        # A future that still runs is an RpcError by class, too.
        if isinstance(outcome, grpc.RpcError) and outcome.done():  # type: ignore[attr-defined]
            raise self._target.error(outcome) from outcome
        return outcome


class AsyncInterceptors:
    """Adds key and deadline to the calls of an asynchronous channel and translates their errors."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def all(self) -> list[grpc.aio.ClientInterceptor]:
        """Returns one interceptor for each kind of call, as grpc.aio wants them."""
        return [_UnaryUnary(self), _StreamUnary(self), _UnaryStream(self), _StreamStream(self)]

    async def single(self, continuation: Any, details: Any, requests: Any, seconds: float) -> Any:
        """Makes a call with one response and waits for it."""
        try:
            call = await continuation(self.details(details, seconds), requests)
            await call
        except grpc.RpcError as error:
            raise self._target.error(error) from error
        return call

    async def patient(self, continuation: Any, details: Any, request: Any) -> Any:
        """Makes a call with one request and one response; repeats it while the service is away."""
        patience = self._target.contact.patience()
        while True:
            try:
                call = await self.single(continuation, details, request, UNARY_SECONDS)
            except CustomVisionError as error:
                await asyncio.sleep(patience.pause_after(error))
            else:
                self._target.contact.made()
                return call

    async def responses(self, call: Any) -> AsyncIterator[Any]:
        """Yields the responses of a call as they come."""
        try:
            async for response in call:
                yield response
        except grpc.RpcError as error:
            raise self._target.error(error) from error

    def details(self, details: Any, seconds: float | None) -> Any:
        """Returns ``details`` with the key, and with a deadline unless the caller gave one."""
        metadata = grpc.aio.Metadata(*(details.metadata or ()), self._target.credentials)
        timeout = details.timeout if details.timeout is not None else seconds
        return grpc.aio.ClientCallDetails(
            details.method, timeout, metadata, details.credentials, details.wait_for_ready
        )


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, shared: AsyncInterceptors) -> None:
        self._shared = shared

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._shared.patient(continuation, client_call_details, request)


class _StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, shared: AsyncInterceptors) -> None:
        self._shared = shared

    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._shared.single(continuation, client_call_details, request_iterator, UPLOAD_SECONDS)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, shared: AsyncInterceptors) -> None:
        self._shared = shared

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        call = await continuation(self._shared.details(client_call_details, None), request)
        return self._shared.responses(call)


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, shared: AsyncInterceptors) -> None:
        self._shared = shared

    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        call = await continuation(self._shared.details(client_call_details, None), request_iterator)
        return self._shared.responses(call)
