"""URLs are read strictly, and in one way only."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customvision.common.url_fetching.errors import UrlInvalid
from customvision.common.url_fetching.web_url import WebUrl, file_name_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://example.com", WebUrl("http", "example.com", 80, "/")),
        (
            "HTTPS://Example.COM.:8443/A/b.jpg?x=1&y=%20#part",
            WebUrl("https", "example.com", 8443, "/A/b.jpg?x=1&y=%20"),
        ),
        ("http://example.com/my photo ä.jpg", WebUrl("http", "example.com", 80, "/my%20photo%20%C3%A4.jpg")),
        ("http://example.com?a=b c", WebUrl("http", "example.com", 80, "/?a=b%20c")),
        ("https://straße.de/", WebUrl("https", "xn--strae-oqa.de", 443, "/")),
        ("http://EXAMPLE。com/", WebUrl("http", "example.com", 80, "/")),
        (" http://example.com/photo.jpg ", WebUrl("http", "example.com", 80, "/photo.jpg")),
        ("http://[2001:0DB8::1]:81/", WebUrl("http", "2001:db8::1", 81, "/")),
        ("http://my_bucket.example.com:/", WebUrl("http", "my_bucket.example.com", 80, "/")),
    ],
)
def test_a_url_is_taken_apart(text: str, expected: WebUrl) -> None:
    """Scheme, host, port and target come out normalised, the fragment dropped."""
    assert WebUrl.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "photo.jpg",
        "//example.com/",
        "http:/example.com",
        "http:///photo.jpg",
        "http://:80/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "http://example.com /",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://example.com@127.0.0.1/",
        "http://@127.0.0.1/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/\r\nHost: other",
        "http://exa\tmple.com/",
        "http://example.com\x00.other/",
        "http://127.0.0.1%00.example.com/",
        "http://%31%32%37.0.0.1/",
        "http://exam%70le.com/",
        "http://2130706433/",
        "http://017700000001/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.1.5/",
        "http://127.0.0.256/",
        "http://127.0.0.01/",
        "http://0/",
        "http://0x/",
        "http://example.0x7f/",
        "http://①②⑦.1/",
        "http://[::1/",
        "http://::1/",
        "http://[::1]x/",
        "http://x[::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://[]/",
        "http://example..com/",
        "http://.example.com/",
        "http://ex ample.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:+80/",
        "http://example.com:８０/",
        "http://example.com:80:80/",
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 127 + "com/",
        "http://example.com/" + "a" * 4096,
        "http://ex\N{FULLWIDTH SOLIDUS}ample.com/",
        "http://\N{ZERO WIDTH JOINER}.com/",
        "http://example.com/\ud800",
    ],
)
def test_what_readers_could_disagree_about_is_refused(text: str) -> None:
    """Other schemes, user names, odd spellings of addresses, tricks with brackets, escapes and controls."""
    with pytest.raises(UrlInvalid):
        WebUrl.parse(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("http://127.0.0.1./", "127.0.0.1"),
        ("http://１２７.0.0.1/", "127.0.0.1"),
        ("http://[0:0:0:0:0:0:0:1]/", "::1"),
        ("http://[::FFFF:127.0.0.1]/", "::ffff:7f00:1"),
        ("http://LOCALHOST./", "localhost"),
    ],
)
def test_one_host_has_one_spelling(text: str, host: str) -> None:
    """Spellings that are read come out as the one that is checked."""
    found = WebUrl.parse(text).host
    assert found == host or ipaddress.ip_address(found) == ipaddress.ip_address(host)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b.jpg", "http://example.com:81/b.jpg"),
        ("b.jpg?x", "http://example.com:81/a/b.jpg?x"),
        ("//other.com/c", "http://other.com/c"),
        ("https://other.com", "https://other.com/"),
        ("?y=2", "http://example.com:81/a/photo.jpg?y=2"),
    ],
)
def test_redirects_are_relative_to_where_they_come_from(location: str, expected: str) -> None:
    """A location may be whole or a part of a URL."""
    start = WebUrl.parse("http://example.com:81/a/photo.jpg?x=1")
    assert start.leading_to(location) == WebUrl.parse(expected)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://user@other.com/", "http://[::1", "http://127.1/"])
def test_redirects_are_read_as_strictly(location: str) -> None:
    """A redirect leads nowhere that a caller could not have named."""
    with pytest.raises(UrlInvalid):
        WebUrl.parse("http://example.com/").leading_to(location)


def test_the_host_header_names_the_port_where_it_is_not_the_usual_one() -> None:
    """IPv6 addresses stand in brackets."""
    texts = ["http://a.com:80/", "https://a.com:80/", "http://[2001:db8::1]/", "https://[2001:db8::1]:8443/"]
    assert [WebUrl.parse(text).authority for text in texts] == [
        "a.com",
        "a.com:80",
        "[2001:db8::1]",
        "[2001:db8::1]:8443",
    ]


@given(st.text(max_size=200) | st.text(max_size=60).map(lambda text: f"http://{text}"))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever comes, what is read is plain ASCII without spaces, and reads the same again; files have short names."""
    assert len(file_name_of(text)) <= 255
    try:
        url = WebUrl.parse(text)
    except UrlInvalid:
        return
    whole = f"{url.scheme}://{url.authority}{url.target}"
    assert whole.isascii() and whole.isprintable() and " " not in whole
    assert WebUrl.parse(whole) == url


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/a/red%20rose.jpg?sig=x#y", "red rose.jpg"),
        ("https://example.com/a%2F..%5Cb%00c%0A.jpg", "a..bc.jpg"),
        ("https://example.com/%E2%80%AEgpj.exe", "gpj.exe"),
        ("https://example.com/" + "x" * 300 + ".jpg", "x" * 251 + ".jpg"),
        ("https://example.com/%FF.jpg", "\N{REPLACEMENT CHARACTER}.jpg"),
        ("https://example.com/", ""),
        ("https://example.com", ""),
        ("http://[", ""),
    ],
)
def test_a_file_is_called_by_the_end_of_its_path(url: str, name: str) -> None:
    """Escapes are undone; what is no part of a name is left out; the kind of file stays at the end."""
    assert file_name_of(url) == name
