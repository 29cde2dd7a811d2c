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
