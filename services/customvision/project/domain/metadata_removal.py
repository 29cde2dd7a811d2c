"""Removes what a photo says beside its pixels (place, camera, comments, profiles) without touching the pixels.

JPEG and PNG are cleaned at the level of their container, so that what is stored decodes to exactly the same pixels.
Other formats, and files whose container holds anything odd, are stored as PNG of the upright pixels.
"""

import io
import re
import struct
import zlib

from PIL import Image as Picture

from customvision.vision.decoding import MAX_BYTES, ImageFormatUnknown, ImageHeader, open_upright

JPEG = "image/jpeg"
PNG = "image/png"

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"})

_SOI, _EOI, _SOS, _APP0, _APP1, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
# In the compressed data of a scan, FF is followed by 00, a restart marker or fill; anything else ends the scan.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_RE_ENCODED_QUALITY = 95


class _OddContainer(Exception):
    """The container is not laid out as its standard says."""


def without_metadata(source: bytes, header: ImageHeader, upright: Picture.Image) -> tuple[bytes, str]:
    """Returns the bytes to store and their content type.

    ``header`` and ``upright`` are what ``source`` decoded to; ``upright`` may be a reduced rendering of a JPEG.
    """
    try:
        if header.format == "JPEG":
            return _clean_jpeg(source, header.orientation), JPEG
        if header.format == "PNG":
            return _clean_png(source, header.orientation), PNG
    except _OddContainer:
        _, upright = open_upright(source, smallest_side=max(header.width, header.height))
    return _re_encoded(upright)


def _clean_jpeg(source: bytes, orientation: int) -> bytes:
    if not source.startswith(b"\xff\xd8"):
        raise _OddContainer
    kept = [source[:2]]
    position = 2
    exif = _exif_segment(orientation)
    while True:
        marker, position = _next_marker(source, position)
        if marker == _EOI:
            break
        if marker in _STANDALONE:
            continue
        end = _segment_end(source, position)
        segment = source[position:end]
        if _is_needed(marker, segment):
            # The standards want JFIF first; EXIF follows it.
            if marker != _APP0 and exif:
                kept.append(exif)
                exif = b""
            kept.append(b"\xff" + bytes([marker]) + segment)
        position = end
        if marker == _SOS:
            position = _scan_end(source, end)
            kept.append(source[end:position])
    kept.append(b"\xff\xd9")
    return b"".join(kept)


def _next_marker(source: bytes, position: int) -> tuple[int, int]:
    if source[position : position + 1] != b"\xff":
        raise _OddContainer
    while position < len(source) and source[position] == 0xFF:
        position += 1
    if position == len(source) or source[position] == 0:
        raise _OddContainer
    return source[position], position + 1


def _segment_end(source: bytes, position: int) -> int:
    length = int.from_bytes(source[position : position + 2], "big")
    end = position + length
    if length < 2 or end > len(source):
        raise _OddContainer
    return end


def _scan_end(source: bytes, position: int) -> int:
    match = _END_OF_SCAN.search(source, position)
    return match.start() if match else len(source)


def _is_needed(marker: int, segment: bytes) -> bool:
    if marker == _APP0:
        # JFXX, the other APP0, holds a thumbnail.
        return segment[2:7] == b"JFIF\x00"
    if marker == _APP14:
        return segment[2:7] == b"Adobe"
    return marker not in _APPLICATION and marker != _COM


def _exif_segment(orientation: int) -> bytes:
    if orientation == 1:
        return b""
    payload = b"Exif\x00\x00" + _exif(orientation)
    return b"\xff" + bytes([_APP1]) + struct.pack(">H", len(payload) + 2) + payload


def _exif(orientation: int) -> bytes:
    """Returns EXIF with the orientation alone: a TIFF header, and a directory of one entry."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def _clean_png(source: bytes, orientation: int) -> bytes:
    if not source.startswith(_PNG_SIGNATURE):
        raise _OddContainer
    kept = [_PNG_SIGNATURE]
    position = len(_PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        length = int.from_bytes(source[position : position + 4], "big")
        kind = source[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(source):
            raise _OddContainer
        if kind == b"IDAT" and orientation != 1:
            kept.append(_png_chunk(b"eXIf", _exif(orientation)))
            orientation = 1
        if kind in _PNG_KEPT:
            kept.append(source[position:end])
        position = end
    return b"".join(kept)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _re_encoded(upright: Picture.Image) -> tuple[bytes, str]:
    """Returns the pixels as PNG, or as JPEG where a PNG would be larger than an image may be."""
    clean = Picture.frombytes("RGB", upright.size, upright.tobytes())
    data = _encoded(clean, "PNG", compress_level=3)
    if len(data) <= MAX_BYTES:
        return data, PNG
    while len(data) > MAX_BYTES:
        data = _encoded(clean, "JPEG", quality=_RE_ENCODED_QUALITY, subsampling=0)
        clean = clean.reduce(2)
    return data, JPEG


def _encoded(picture: Picture.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    try:
        picture.save(buffer, kind, **options)
    except (OSError, ValueError) as error:
        raise ImageFormatUnknown(f"The image cannot be stored ({error}).", field="image_data") from error
    return buffer.getvalue()
