"""Addresses that are bound, or kept for several processes."""

import socket
from collections.abc import Iterator

import pytest

from customvision.common.errors import ConfigurationError
from customvision.common.listening import bind, hold


def listener(port: int, *options: int) -> socket.socket:
    """Returns a socket with these options that listens at a port of this machine. Raises OSError."""
    listening = socket.socket()
    try:
        for option in options:
            listening.setsockopt(socket.SOL_SOCKET, option, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


@pytest.fixture
def held() -> Iterator[str]:
    """An address that is kept."""
    holder, address = hold("127.0.0.1:0", "prediction")
    with holder:
        yield address


def test_those_who_share_listen_at_a_held_address(held: str) -> None:
    """Two listeners that share the port get connections; the socket that keeps it gets none."""
    port = int(held.rpartition(":")[2])
    ours = (socket.SO_REUSEADDR, socket.SO_REUSEPORT)
    with listener(port, *ours) as first, listener(port, *ours) as second, socket.create_connection(("127.0.0.1", port)):
        assert [_accepts(first), _accepts(second)].count(True) == 1


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEADDR,)])
def test_a_held_address_is_nobody_elses(held: str, options: tuple[int, ...]) -> None:
    """A program that does not share the port is refused, also before anyone listens."""
    port = int(held.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        listener(port, *options)
    with pytest.raises(ConfigurationError, match="CUSTOMVISION_PREDICTION_ADDRESS"):
        bind(held, "prediction")


def test_a_port_that_others_share_is_in_use() -> None:
    """An address is not held where strangers share its port already."""
    with listener(0, socket.SO_REUSEPORT) as stranger:
        address = f"127.0.0.1:{stranger.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match=address):
            hold(address, "prediction")


def test_an_address_can_be_held_again_at_once() -> None:
    """Connections of a server that ended a moment ago do not keep the next one from its port."""
    with listener(0, socket.SO_REUSEADDR) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()
    holder, address = hold(f"127.0.0.1:{port}", "prediction")
    holder.close()
    assert address == f"127.0.0.1:{port}"


def _accepts(listening: socket.socket) -> bool:
    listening.settimeout(0.1)
    try:
        listening.accept()[0].close()
    except TimeoutError:
        return False
    return True
