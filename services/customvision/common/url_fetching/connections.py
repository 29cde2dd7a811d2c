"""Connections to hosts whose every address was checked, made to just the address that was checked."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from customvision.common.url_fetching.addresses import Address, AllowedHosts, is_public
from customvision.common.url_fetching.errors import UrlHostUnknown, UrlRefused

# Of a host with many addresses no more are tried than there is time for.
MAX_ADDRESSES_TRIED = 4

Resolve = Callable[[str], Awaitable[list[Address]]]


class SystemResolver:
    """Asks the system for addresses, on threads of its own: a slow name server must not hold up anything else."""

    def __init__(self, concurrent: int) -> None:
        self._threads = ThreadPoolExecutor(concurrent, thread_name_prefix="resolver")

    async def resolve(self, host: str) -> list[Address]:
        """Returns the addresses of a name, those to prefer first. Raises OSError where there are none."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _addresses_of, host)

    def close(self) -> None:
        """Ends the threads without waiting for answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class CheckedConnections(httpcore.AsyncNetworkBackend):
    """Opens connections for an HTTP client that only knows the host's name.

    Name servers are asked once for each connection, so that an answer that changes (DNS rebinding) changes nothing.
    """

    def __init__(self, allowed: AllowedHosts, resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._connections = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - fixed by the interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connects to the first of the host's addresses that answers.

        Raises UrlHostUnknown, UrlRefused, httpcore.ConnectError, httpcore.ConnectTimeout.
        """
        problem: Exception = UrlHostUnknown(host)
        for address in (await self._checked_addresses(host))[:MAX_ADDRESSES_TRIED]:
            try:
                return await self._connections.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    async def _checked_addresses(self, host: str) -> list[Address]:
        addresses = await self._addresses(host)
        # One bad address spoils all: which of them would be taken is up to whoever answers for the name.
        if not all(is_public(address) or self._allowed.allow(host, address) for address in addresses):
            raise UrlRefused(host)
        return addresses

    async def _addresses(self, host: str) -> list[Address]:
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            pass
        try:
            return await self._resolve(host)
        except OSError as error:
            raise UrlHostUnknown(host) from error


def _addresses_of(host: str) -> list[Address]:
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(entry[4][0]) for entry in entries]
