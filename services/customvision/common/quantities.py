"""Times and sizes as people write them: ``90s``, ``1h30m``, ``512MiB``, ``4GB``."""

import re

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "b": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("kmgt", start=1)
    for suffix, base in (("b", 1000), ("ib", 1024))
}
_BINARY_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_PART_OF_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)([smhd])")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,12})?)\s*([a-z]*)")


def parse_duration(text: str) -> float:
    """Returns the seconds that ``text`` means, such as ``90s``, ``10m`` or ``1h30m``. Raises ValueError."""
    parts = _PART_OF_DURATION.findall(text.strip().lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip().lower():
        raise ValueError(f"'{text}' is no time such as 90s, 10m or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def parse_size(text: str) -> int:
    """Returns the bytes that ``text`` means, such as ``512MiB`` or ``4GB``. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"'{text}' is no size such as 512MiB or 4GB")
    return int(float(match[1]) * _BYTES[match[2]])


def duration_words(seconds: float) -> str:
    """Returns a time in the largest unit that keeps it whole: ``90 seconds``, ``10 minutes``, ``2 hours``."""
    rounded = round(seconds, 3)
    for name, unit in (("hour", 3600), ("minute", 60)):
        if rounded >= unit and rounded % unit == 0:
            return _counted(rounded / unit, name)
    # Of less than a millisecond, too, something is told.
    return _counted(rounded, "second") if rounded or not seconds else f"{seconds:.1g} seconds"


def duration_range_words(shortest: float, longest: float) -> str:
    """Returns what times from ``shortest`` to ``longest`` seconds are: ``1 minute to 24 hours``, or just one."""
    if shortest == longest:
        return duration_words(longest)
    return f"{duration_words(shortest)} to {duration_words(longest)}"


def size_words(count: int) -> str:
    """Returns a size in a unit that fits it: ``800 bytes``, ``12.5 MiB``, ``4 GiB``."""
    value, units = float(count), iter(_BINARY_UNITS)
    unit = next(units)
    while value >= 1024 and unit != _BINARY_UNITS[-1]:
        value, unit = value / 1024, next(units)
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def _counted(number: float, noun: str) -> str:
    digits = f"{number:,.3f}".rstrip("0").rstrip(".")
    return f"{digits} {noun}" if number == 1 else f"{digits} {noun}s"
