"""Binds an address, or says in a sentence why that is not possible."""

import ipaddress
import socket

from customvision.common.errors import ConfigurationError
from customvision.common.settings import setting_of_address


def bind(address: str, setting: str) -> socket.socket:
    """Returns a socket bound to ``address`` (host:port); ``setting`` is the short name of the address, such as "http".

    Raises ConfigurationError where the port is in use or the address is not this machine's.
    """
    host, _, port = address.rpartition(":")
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(address, setting, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
    except OSError as error:
        listener.close()
        raise _cannot_listen(address, setting, error) from error
    return listener


def hold(address: str, setting: str) -> tuple[socket.socket, str]:
    """Returns a socket that keeps ``address`` for this process and those it starts, and the address with its real port.

    They may all listen there, sharing the port; nobody else can. The socket itself does not listen. Raises
    ConfigurationError like ``bind``: also a port that others share already counts as in use.
    """
    holder = bind(address, setting)
    # Only now: bound like this from the start, it would join whoever shares the port already. And without "reuse
    # address" again, or a stranger that sets it could listen here until the first of ours does.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return holder, f"{address.rpartition(':')[0]}:{holder.getsockname()[1]}"


def is_loopback(host: str) -> bool:
    """Returns whether only this machine can reach ``host``, a name or an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _cannot_listen(address: str, setting: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"Nothing can listen on {address} ({error.strerror}). "
        f"Stop what uses it, or set {setting_of_address(setting)} to another address."
    )
