"""Channels to the services: keepalive, retries, limits, and the interceptors that every call passes."""

import json

import grpc

from customvision.client.blocking_streams import OpenStreams
from customvision.client.interceptors import AsyncInterceptors, BlockingInterceptor, Target

# A policy covers calls that have not begun to answer; a stream that breaks later is resumed by its operation. Its waits
# (1.5 s in all, each varied by a fifth) outlast those of connections that are reset as they open, as happens where
# one of several processes at an address is killed. gRPC makes no more than five attempts.
_SERVICE_CONFIG = {
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
    ]
}
OPTIONS = [
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.max_receive_message_length", 32 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A watch only receives; without this, pings stop after two.
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # How long a connection may take to open: a busy service must not look like one that is away.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    # A proxy for the internet is not meant for the services of a suite.
    ("grpc.enable_http_proxy", 0),
]


def open_blocking_channel(target: Target, streams: OpenStreams) -> grpc.Channel:
    """Opens a channel for threads, whose streams are added to ``streams``. Does not connect yet."""
    channel = grpc.insecure_channel(target.address, options=OPTIONS)
    return grpc.intercept_channel(channel, BlockingInterceptor(target, streams))


def open_async_channel(target: Target) -> grpc.aio.Channel:
    """Opens a channel for the running event loop. Does not connect yet."""
    return grpc.aio.insecure_channel(target.address, options=OPTIONS, interceptors=AsyncInterceptors(target).all())
