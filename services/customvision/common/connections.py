"""The connections that callers have with a server of this process."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")


def close_connections(port: int) -> None:
    """Ends every TCP connection that was accepted at ``port`` of this machine; the other side sees it close.

    Does nothing on systems that do not list a process's open files.
    """
    for descriptor in _sockets():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
            internet = connection.family in (socket.AF_INET, socket.AF_INET6)
            if internet and connection.type == socket.SOCK_STREAM and connection.getsockname()[1] == port:
                # A socket that listens has no peer.
                connection.getpeername()
                connection.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[int]:
    try:
        links = list(_DESCRIPTORS.iterdir())
    except OSError:
        return
    for link in links:
        with contextlib.suppress(OSError):
            if str(link.readlink()).startswith("socket:"):
                yield int(link.name)
