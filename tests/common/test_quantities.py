"""Times and sizes as people write them."""

import pytest

from customvision.common.quantities import duration_range_words, duration_words, parse_duration, parse_size, size_words


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), (" 2D ", 172_800), ("0s", 0)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """Units add up, capitals and blanks around do not matter."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("512MiB", 512 * 2**20), ("4GB", 4 * 10**9), ("1.5 gib", 1.5 * 2**30), ("1000", 1000)]
)
def test_sizes_are_read(text: str, size: int) -> None:
    """Binary and decimal units are told apart."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "10", "m", "10 minutes", "-5m", "1h 30m", "nan", "1e3s", "١٠m5"])
def test_what_is_no_duration(text: str) -> None:
    """Anything else is refused, and named."""
    with pytest.raises(ValueError, match="is no time"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "GB", "4 bananas", "-1", "1e9", "inf"])
def test_what_is_no_size(text: str) -> None:
    """Anything else is refused, and named."""
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


def test_quantities_are_told() -> None:
    """In words, in the unit that suits."""
    assert [duration_words(s) for s in (1, 90, 600, 3600, 86_400, 59.94)] == [
        "1 second", "90 seconds", "10 minutes", "1 hour", "24 hours", "59.94 seconds"
    ]  # fmt: skip
    assert [duration_words(s) for s in (119.9999, 0.0, 0.0004, -5.0, 315_576_000_000.0, 1_234_567.8)] == [
        "2 minutes", "0 seconds", "0.0004 seconds", "-5 seconds", "87,660,000 hours", "1,234,567.8 seconds"
    ]  # fmt: skip
    assert duration_range_words(60, 86_400) == "1 minute to 24 hours"
    assert duration_range_words(5, 5) == "5 seconds"
    assert [size_words(n) for n in (800, 2**20, 1023 * 2**20, 13_107_200, 4 * 2**30, 2**50)] == [
        "800 bytes", "1 MiB", "1023 MiB", "12.5 MiB", "4 GiB", "1024 TiB"
    ]  # fmt: skip
