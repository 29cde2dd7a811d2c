"""Channels from one service to another: keepalive, retries, deadlines, the suite's own key."""

import json
from collections.abc import Callable
from typing import Any

import grpc

from customvision.common.authentication import TRAINING_KEY_HEADER
from customvision.common.call_context import handed_on
from customvision.common.keys import Keys

# Stored images and artifact pieces stay below 1 MiB a message; lists of 1,000 rows may pass 4 MiB.
MAX_RECEIVE_BYTES = 32 * 1024 * 1024
CALL_SECONDS = 30.0

_RETRY = {
    "methodConfig": [
        {
            "name": [{}],
            "waitForReady": False,
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

OPTIONS = [
    ("grpc.service_config", json.dumps(_RETRY)),
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A watch only receives; without this, pings stop after two.
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    # How long a connection may take to open: a busy service must not look like one that is away.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Each channel has a connection of its own, so that a busy one does not slow another.
    ("grpc.use_local_subchannel_pool", 1),
    # A proxy for the internet is not meant for the services of a suite.
    ("grpc.enable_http_proxy", 0),
]


def open_channel(address: str, keys: Keys, *, unary_seconds: float | None = None) -> grpc.aio.Channel:
    """Opens an asynchronous channel whose every call carries the training key. Does not connect yet.

    A call made for another carries on its request id and its place in a trace.
    Calls with one request and one answer end after ``unary_seconds`` unless they say otherwise themselves.
    """
    return grpc.aio.insecure_channel(address, options=OPTIONS, interceptors=_key_interceptors(keys, unary_seconds))


def open_blocking_channel(address: str, keys: Keys) -> grpc.Channel:
    """Opens a channel for a process without an event loop; every call carries the training key."""
    channel = grpc.insecure_channel(address, options=OPTIONS)
    return grpc.intercept_channel(channel, _BlockingKeyInterceptor(keys.training_key))


def _key_interceptors(keys: Keys, unary_seconds: float | None) -> list[grpc.aio.ClientInterceptor]:
    add = _with_key(keys.training_key)
    unary = _UnaryUnary(_with_key(keys.training_key, unary_seconds))
    return [unary, _UnaryStream(add), _StreamUnary(add), _StreamStream(add)]


def _with_key(key: str, seconds: float | None = None) -> Callable[[Any], Any]:
    def add(details: Any) -> Any:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        metadata.add(TRAINING_KEY_HEADER, key)
        for name, value in handed_on():
            metadata.add(name, value)
        timeout = seconds if details.timeout is None else details.timeout
        return grpc.aio.ClientCallDetails(
            details.method, timeout, metadata, details.credentials, details.wait_for_ready
        )

    return add


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, add: Callable[[Any], Any]) -> None:
        self._add = add

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._add(client_call_details), request)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, add: Callable[[Any], Any]) -> None:
        self._add = add

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._add(client_call_details), request)


class _StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, add: Callable[[Any], Any]) -> None:
        self._add = add

    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(self._add(client_call_details), request_iterator)


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, add: Callable[[Any], Any]) -> None:
        self._add = add

    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(self._add(client_call_details), request_iterator)


class _BlockingKeyInterceptor(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    def __init__(self, key: str) -> None:
        self._key = key

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._keyed(client_call_details), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._keyed(client_call_details), request)

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return continuation(self._keyed(client_call_details), request_iterator)

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return continuation(self._keyed(client_call_details), request_iterator)

    def _keyed(self, details: Any) -> Any:
        metadata = (*(details.metadata or ()), (TRAINING_KEY_HEADER, self._key))
        return details._replace(metadata=metadata)
