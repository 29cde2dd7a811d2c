"""What a JPEG makes its reader do, told from its markers before anything is decoded."""

import re
from collections.abc import Iterator

# Progressive files of cameras and web encoders have about ten, of print colours eighteen. Each passes over all pixels.
MAX_SCANS = 20
# Tables, metadata in pieces of 64 KiB, and what stands between scans: honest files have a hundred at most.
MAX_SEGMENTS = 1000

_SOI = b"\xff\xd8"
_EOI, _SOS, _TEM = 0xD9, 0xDA, 0x01
_SEQUENTIAL_FRAMES = frozenset({0xC0, 0xC1, 0xC9})
# Compressed data hold FF only before 00, a restart marker or fill; a segment's own bytes are stepped over.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def asks_too_much(data: bytes) -> bool:
    """Returns whether a file is a JPEG of more than MAX_SCANS scans or MAX_SEGMENTS segments."""
    if not data.startswith(_SOI):
        return False
    scans = 0
    components = 0
    for segments, (marker, position) in enumerate(_segments(data), start=1):
        if marker in _SEQUENTIAL_FRAMES:
            components = _byte(data, position + 7)
        if marker == _SOS:
            scans += 1
            # A scan with all components of a sequential picture is its only one: the decoder reads no other.
            if components and _byte(data, position + 2) == components:
                return False
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            return True
    return False


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields each segment's marker and where its length stands, as libjpeg finds them, up to the picture's end."""
    position = len(_SOI)
    while found := _MARKER.search(data, position):
        position = found.end()
        marker = data[position - 1]
        if marker == _EOI:
            return
        yield marker, position
        if marker != _TEM:
            position += int.from_bytes(data[position : position + 2])


def _byte(data: bytes, position: int) -> int:
    return data[position] if position < len(data) else 0
