"""A URL in parts, read once and strictly, so that what is checked is what is connected to."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

import idna

from customvision.common.url_fetching.errors import UrlInvalid

MAX_URL_CHARACTERS = 4096
MAX_HOST_CHARACTERS = 253
MAX_FILE_NAME_CHARACTERS = 255
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Readers of URLs disagree about these, and no URL needs them.
_NEVER = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_AUTHORITY = re.compile(r"(?:\[(?P<address>[0-9a-fA-F:.]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{0,5}))?")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
# Resolvers take such names for addresses: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_NUMERIC_NAME = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_PATH_CHARACTERS = "/:@!$&'()*+,;=~%"
_QUERY_CHARACTERS = _PATH_CHARACTERS + "?"


@dataclass(frozen=True)
class WebUrl:
    """``host`` is a name in lower-case ASCII without a final dot, or an IP address without brackets.

    ``target`` is path and query, percent-encoded.
    """

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> "WebUrl":
        """Reads an http or https URL; spaces around it, and what follows a ``#``, are dropped. Raises UrlInvalid."""
        if len(text) > MAX_URL_CHARACTERS:
            raise UrlInvalid(
                f"The URL has {len(text):,} characters; at most {MAX_URL_CHARACTERS:,} are allowed. Use a shorter one."
            )
        if _NEVER.search(text):
            raise UrlInvalid("The URL holds a control character or a backslash; leave it out.")
        try:
            parts = urlsplit(text.strip(" "))
        except ValueError as error:
            raise UrlInvalid("The URL cannot be read; its host is misspelled.") from error
        if parts.scheme not in _DEFAULT_PORTS:
            raise UrlInvalid("The URL must begin with http:// or https://.")
        host, port = _host_and_port(parts.netloc)
        path = quote(parts.path or "/", safe=_PATH_CHARACTERS)
        query = f"?{quote(parts.query, safe=_QUERY_CHARACTERS)}" if parts.query else ""
        return cls(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], path + query)

    def leading_to(self, location: str) -> "WebUrl":
        """Returns the URL that a redirect from this one leads to. Raises UrlInvalid."""
        try:
            return WebUrl.parse(urljoin(f"{self.scheme}://{self.authority}{self.target}", location))
        except ValueError as error:
            raise UrlInvalid(f"'{self.host}' leads on to a URL that cannot be read.") from error

    @property
    def authority(self) -> str:
        """Host and, where it is not the scheme's own, port, as an HTTP request names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def file_name_of(url: str) -> str:
    """Returns what a URL's file is called: the end of its path, at most 255 printable characters; may be empty."""
    try:
        path = urlsplit(url.strip(" ")).path
    except ValueError:
        return ""
    name = unquote(path.rpartition("/")[2], errors="replace")
    shown = "".join(character for character in name if character.isprintable() and character not in "/\\")
    return shown[-MAX_FILE_NAME_CHARACTERS:]


def ascii_host(name: str) -> str:
    """Returns a host's name or IPv4 address in lower-case ASCII without a final dot. Raises UrlInvalid."""
    try:
        host = name if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError as error:
        raise UrlInvalid("The URL's host is not a valid name; see that it is spelled right.") from error
    host = host.lower().removesuffix(".")
    if len(host) > MAX_HOST_CHARACTERS or _NAME.fullmatch(host) is None:
        raise UrlInvalid("The URL's host is not a valid name; see that it is spelled right.")
    return _ip_address(host) if _NUMERIC_NAME.fullmatch(host) else host


def _host_and_port(authority: str) -> tuple[str, int]:
    """Returns the host, and the port or 0 where none is given."""
    if "@" in authority:
        raise UrlInvalid("The URL carries a user name; use one without.")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise UrlInvalid("The URL names no valid host; write it as in https://example.com/photo.jpg.")
    host = _ip_address(match["address"]) if match["address"] else ascii_host(match["name"])
    if not match["port"]:
        return host, 0
    if not 0 < int(match["port"]) < 2**16:
        raise UrlInvalid("The URL's port must be a number from 1 to 65535.")
    return host, int(match["port"])


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise UrlInvalid(
            "The URL's host looks like an IP address and is none; write four numbers from 0 to 255 in decimal."
        ) from error
