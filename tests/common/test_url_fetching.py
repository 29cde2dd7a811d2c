"""Files are fetched by URL within limits, and only from where they may be."""

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from customvision.common.errors import ServiceError
from customvision.common.url_fetching.addresses import Address, AllowedHosts
from customvision.common.url_fetching.fetcher import FETCHES_OF_A_PROJECT, MAX_REDIRECTS, UrlFetcher
from web_server import WebServer, web_server

PATIENCE_SECONDS = 10.0
LOOPBACK = AllowedHosts.parse("127.0.0.1")
MAX_BYTES = 1000


class Names:
    """Name servers of a test: each question takes the next answer, the last one again and again."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def resolve(self, host: str) -> list[Address]:
        """Returns the addresses that the next answer names, parted by spaces."""
        self.asked.append(host)
        answers = self.answers.get(host.partition(".")[0])
        if answers is None:
            raise OSError("no such name")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(address) for address in answer.split()]


@contextmanager
def fetching(
    allowed: AllowedHosts = LOOPBACK, names: Names | None = None, trust: ssl.SSLContext | None = None, **limits: float
) -> Iterator[UrlFetcher]:
    """A fetcher that may reach the servers of a test, unless said otherwise."""
    fetcher = UrlFetcher(allowed, resolve=names.resolve if names else None, trust=trust, **limits)
    yield fetcher
    fetcher.close()


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    """A web server on the loopback address."""
    async with web_server() as server:
        yield server


async def refusal(fetcher: UrlFetcher, url: str, max_bytes: int = MAX_BYTES) -> ServiceError:
    """Returns the error that fetching ends with."""
    with pytest.raises(ServiceError) as raised:
        await asyncio.wait_for(fetcher.fetch(url, max_bytes, "p"), PATIENCE_SECONDS)
    return raised.value


async def test_a_file_is_fetched_with_a_plain_request(web: WebServer) -> None:
    """The bytes come as they are; the request names the host and asks for nothing packed, with no cookie or key."""
    web.give("/a%20b.jpg?x=1", b"bytes")
    with fetching() as fetcher:
        assert await fetcher.fetch(web.url("/a b.jpg?x=1#part"), MAX_BYTES, "p") == b"bytes"
    head = web.requests[0].lower()
    assert head.startswith("get /a%20b.jpg?x=1 http/1.1\r\n")
    assert f"host: 127.0.0.1:{web.port}\r\n" in head
    assert "accept-encoding: identity\r\n" in head
    assert "cookie" not in head and "authorization" not in head


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1.", "１２７.0.0.1", "127.8.9.1", "0.0.0.0", "localhost", "LocalHost.", "[::1]", "[::]",  # noqa: S104
        "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]", "2130706433", "017700000001", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "0",
        "127.0.0.1%00.example.com", "%31%32%37.0.0.1", "user@127.0.0.1", "example.com@127.0.0.1",
        "①②⑦.0.0.1", "127。0。0。1",
    ],
)  # fmt: skip
async def test_no_spelling_of_this_machine_is_connected_to(web: WebServer, host: str) -> None:
    """Each is refused before a connection is made."""
    with fetching(AllowedHosts()) as fetcher:
        error = await refusal(fetcher, web.url(host=host))
    assert error.reason in ("URL_REFUSED", "URL_INVALID")
    assert web.connections == 0


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "100.64.0.1", "fd00:ec2::254", "fe80::1"])
async def test_names_of_private_addresses_are_refused(address: str) -> None:
    """What counts is what a name stands for; the message tells the name and not the address."""
    with fetching(AllowedHosts(), Names(metadata=[address])) as fetcher:
        error = await refusal(fetcher, "http://metadata.example.com/latest/secret?token=1")
    assert error.reason == "URL_REFUSED"
    assert "'metadata.example.com'" in error.message and "CUSTOMVISION_URL_ALLOWED_HOSTS" in error.message
    assert address not in error.message and "secret" not in error.message


async def test_one_bad_address_spoils_a_name(web: WebServer) -> None:
    """A name with a public and a private address is refused, in whatever order."""
    with fetching(AllowedHosts(), Names(a=["8.8.8.8 127.0.0.1"], b=["127.0.0.1 8.8.8.8"])) as fetcher:
        assert (await refusal(fetcher, web.url(host="a.test"))).reason == "URL_REFUSED"
        assert (await refusal(fetcher, web.url(host="b.test"))).reason == "URL_REFUSED"
    assert web.connections == 0


async def test_a_name_is_asked_for_once(web: WebServer) -> None:
    """The address that was checked is the one connected to: a second answer (DNS rebinding) is never looked at."""
    web.give("/photo.jpg", b"bytes")
    names = Names(photos=["127.0.0.1", "127.0.0.2"])
    with fetching(LOOPBACK, names) as fetcher:
        assert await fetcher.fetch(web.url(host="photos.test"), MAX_BYTES, "p") == b"bytes"
        assert names.asked == ["photos.test"]
        assert f"Host: photos.test:{web.port}\r\n" in web.requests[0]
        assert (await refusal(fetcher, web.url(host="photos.test"))).reason == "URL_REFUSED"
    assert web.connections == 1


@pytest.mark.parametrize("entry", ["photos.test", "127.0.0.0/8", "127.0.0.1,::1"])
async def test_an_operator_can_allow_a_host(web: WebServer, entry: str) -> None:
    """By its name, its network or its address."""
    web.give("/photo.jpg", b"bytes")
    with fetching(AllowedHosts.parse(entry), Names(photos=["127.0.0.1"])) as fetcher:
        assert await fetcher.fetch(web.url(host="photos.test"), MAX_BYTES, "p") == b"bytes"


@pytest.mark.skipif(not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
async def test_an_allowed_ipv6_address_is_reached() -> None:
    """It stands in brackets in the URL and in what the server is told."""
    async with web_server(address="::1") as web:
        web.give("/photo.jpg", b"bytes")
        with fetching(AllowedHosts.parse("::1")) as fetcher:
            assert await fetcher.fetch(web.url(host="[0:0::1]"), MAX_BYTES, "p") == b"bytes"
        assert f"Host: [::1]:{web.port}\r\n" in web.requests[0]


async def test_the_system_is_asked_for_names(web: WebServer) -> None:
    """Without name servers of a test, localhost is this machine, and a name of nobody is unknown."""
    web.give("/photo.jpg", b"bytes")
    with fetching(AllowedHosts.parse("localhost")) as fetcher:
        assert await fetcher.fetch(web.url(host="localhost"), MAX_BYTES, "p") == b"bytes"
        assert (await refusal(fetcher, "http://no-such-name.invalid/")).reason == "URL_HOST_UNKNOWN"


async def test_the_next_address_is_tried(web: WebServer) -> None:
    """A host of which one address does not answer is reached at another."""
    web.give("/photo.jpg", b"bytes")
    with fetching(AllowedHosts.parse("photos.test"), Names(photos=["127.0.0.9 127.0.0.1"])) as fetcher:
        assert await fetcher.fetch(web.url(host="photos.test"), MAX_BYTES, "p") == b"bytes"


async def test_a_proxy_in_the_environment_is_not_used(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are made from here, whatever the environment names."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    web.give("/photo.jpg", b"bytes")
    with fetching() as fetcher:
        assert await fetcher.fetch(web.url(), MAX_BYTES, "p") == b"bytes"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_redirects_are_followed(web: WebServer, status: str) -> None:
    """Up to five lead to the file, relative ones among them."""
    for step in range(MAX_REDIRECTS):
        web.redirect(f"/{step}", f"/{step + 1}", status=status)
    web.give(f"/{MAX_REDIRECTS}", b"bytes")
    with fetching() as fetcher:
        assert await fetcher.fetch(web.url("/0"), MAX_BYTES, "p") == b"bytes"
        web.redirect(f"/{MAX_REDIRECTS}", "/0")
        assert (await refusal(fetcher, web.url("/0"))).reason == "URL_REDIRECTED_TOO_OFTEN"
    assert web.connections == 2 * (MAX_REDIRECTS + 1)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.2:{port}/secret", "URL_REFUSED"),
        ("//169.254.169.254/latest", "URL_REFUSED"),
        ("http://[::ffff:10.0.0.1]/", "URL_REFUSED"),
        ("http://inside.test/", "URL_REFUSED"),
        ("http://2130706434:{port}/secret", "URL_INVALID"),
        ("file:///etc/passwd", "URL_INVALID"),
        ("gopher://127.0.0.1:{port}/", "URL_INVALID"),
        ("", "URL_ANSWER_UNUSABLE"),
    ],
)
async def test_redirects_are_checked_like_urls(web: WebServer, location: str, reason: str) -> None:
    """An allowed host cannot lead to one that is not."""
    async with web_server(address="127.0.0.2") as canary:
        web.redirect("/photo.jpg", location.format(port=canary.port))
        with fetching(LOOPBACK, Names(inside=["10.0.0.1"])) as fetcher:
            assert (await refusal(fetcher, web.url())).reason == reason
    assert (web.connections, canary.connections) == (1, 0)


async def test_size_is_limited_to_the_byte(web: WebServer) -> None:
    """A file of just the limit comes; one byte more is refused."""
    web.give("/fits", bytes(MAX_BYTES))
    web.give("/large", bytes(MAX_BYTES + 1))
    with fetching() as fetcher:
        assert len(await fetcher.fetch(web.url("/fits"), MAX_BYTES, "p")) == MAX_BYTES
        error = await refusal(fetcher, web.url("/large"))
    assert (error.reason, error.metadata) == ("URL_CONTENT_TOO_LARGE", {"max_bytes": str(MAX_BYTES)})


async def test_reading_stops_where_too_much_comes(web: WebServer) -> None:
    """A body without end and without a length is left as soon as it is too long."""
    left = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(bytes(100_000))
                await writer.drain()
        except OSError:
            pass
        left.set()

    web.answers["/photo.jpg"] = endless
    with fetching() as fetcher:
        assert (await refusal(fetcher, web.url())).reason == "URL_CONTENT_TOO_LARGE"
        await asyncio.wait_for(left.wait(), PATIENCE_SECONDS)


async def test_a_packed_body_is_not_unpacked(web: WebServer) -> None:
    """A small body that would unpack to a large one is refused for being packed."""
    web.give("/photo.jpg", gzip.compress(bytes(10**6)), headers="Content-Encoding: gzip\r\n")
    with fetching() as fetcher:
        assert (await refusal(fetcher, web.url(), 10**5)).reason == "URL_ANSWER_UNUSABLE"


@pytest.mark.parametrize("status", ["204 No Content", "206 Partial", "304 Not", "404 Not Found", "401 Key", "500 Oh"])
async def test_other_answers_are_told_with_their_status(web: WebServer, status: str) -> None:
    """Only 200 is the file."""
    web.give("/photo.jpg", b"", status=status)
    with fetching() as fetcher:
        error = await refusal(fetcher, web.url())
    assert (error.reason, error.metadata["status"]) == ("URL_ANSWER_UNUSABLE", status[:3])
    assert f"status {status[:3]}" in error.message


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"220 ready\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000 + b"\r\n",
    ],
    ids=["nothing", "not HTTP", "too short", "bad chunk", "bad length", "long header", "many headers"],
)
async def test_what_is_not_http_to_the_end_is_told(web: WebServer, answer: bytes) -> None:
    """A connection that breaks off, other protocols, and headers past 100 KiB."""
    web.answers["/photo.jpg"] = answer
    with fetching() as fetcher:
        assert (await refusal(fetcher, web.url())).reason == "URL_UNREACHABLE"


async def test_a_port_where_nobody_listens_is_told() -> None:
    """The connection is refused by the host."""
    async with web_server() as gone:
        url = gone.url()
    with fetching() as fetcher:
        error = await refusal(fetcher, url)
    assert error.reason == "URL_UNREACHABLE"
    assert "does not take the connection" in error.message


async def test_time_is_limited_over_all(web: WebServer) -> None:
    """A body that trickles, each byte in time, is given up all the same."""

    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    web.answers["/photo.jpg"] = trickle
    with fetching(total_seconds=0.3) as fetcher:
        error = await refusal(fetcher, web.url())
    assert (error.reason, error.metadata["seconds"]) == ("URL_TOO_SLOW", "0.3")


async def test_a_few_are_fetched_at_once_and_the_rest_wait(web: WebServer) -> None:
    """More than eight of a project are all answered, never more than eight at a time."""
    running, most = 0, 0
    full = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == FETCHES_OF_A_PROJECT:
            full.set()
        await full.wait()
        running -= 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    web.answers["/photo.jpg"] = answer
    with fetching() as fetcher:
        fetches = [fetcher.fetch(web.url(), MAX_BYTES, "p") for _ in range(3 * FETCHES_OF_A_PROJECT)]
        assert await asyncio.wait_for(asyncio.gather(*fetches), PATIENCE_SECONDS) == [b"ok"] * len(fetches)
    assert most == FETCHES_OF_A_PROJECT


async def test_slow_hosts_of_one_project_keep_no_other_waiting(web: WebServer) -> None:
    """A project is answered beside one that has many files coming that never end; that one goes on once they do."""
    never_ends = asyncio.Event()

    async def hold(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await never_ends.wait()
        writer.write(b"ok")

    web.answers["/slow.jpg"] = hold
    web.give("/photo.jpg", b"bytes")
    with fetching() as fetcher:
        slow = [asyncio.create_task(fetcher.fetch(web.url("/slow.jpg"), MAX_BYTES, "slow")) for _ in range(40)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while web.connections < FETCHES_OF_A_PROJECT:
                await asyncio.sleep(0.01)
            assert await fetcher.fetch(web.url(), MAX_BYTES, "p") == b"bytes"
            assert not any(task.done() for task in slow)
            never_ends.set()
            assert await asyncio.gather(*slow) == [b"ok"] * len(slow)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, for photos.test and 127.0.0.1, that signs itself."""
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificate with openssl, which is not installed")
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    key = path.with_suffix(".key")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test "
        f"-addext subjectAltName=DNS:photos.test,IP:127.0.0.1 -keyout {key} -out {path}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


async def test_certificates_are_checked_for_the_name(certificate: Path) -> None:
    """The server is told the name, and its certificate must be of that name and trusted."""
    told: list[str | None] = []
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    serving.sni_callback = lambda _socket, name, _context: told.append(name)
    trusting = ssl.create_default_context(cafile=str(certificate))
    names = Names(photos=["127.0.0.1"], other=["127.0.0.1"])
    async with web_server(trust=serving) as web:
        web.give("/photo.jpg", b"bytes")
        with fetching(LOOPBACK, names, trusting) as fetcher:
            assert await fetcher.fetch(web.url(scheme="https", host="photos.test"), MAX_BYTES, "p") == b"bytes"
            assert await fetcher.fetch(web.url(scheme="https"), MAX_BYTES, "p") == b"bytes"
            wrong_name = await refusal(fetcher, web.url(scheme="https", host="other.test"))
        with fetching(LOOPBACK, names) as fetcher:
            untrusted = await refusal(fetcher, web.url(scheme="https", host="photos.test"))
        with fetching(LOOPBACK, names) as fetcher:
            plain = await refusal(fetcher, web.url(host="photos.test"))
    assert told[0] == "photos.test"
    assert {wrong_name.reason, untrusted.reason, plain.reason} == {"URL_UNREACHABLE"}
    assert "certificate cannot be trusted" in wrong_name.message
    assert "certificate cannot be trusted" in untrusted.message
