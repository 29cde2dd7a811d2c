"""JPEGs that ask for more work than any photo."""

import pytest
from PIL import Image

from customvision.vision.decoding import ImageFormatUnknown, decode_for_backbone
from customvision.vision.jpeg_scans import MAX_SCANS, MAX_SEGMENTS, asks_too_much
from pictures import encoded, picture

SOS = b"\xff\xda"
EOI = b"\xff\xd9"
NO_METADATA = b"\xff\xe3\x00\x02"


def repeated_scan(times: int) -> bytes:
    """Returns a progressive JPEG of one colour whose last scan comes so many times more."""
    data = encoded(Image.new("L", (64, 64)), progressive=True)
    scan = data[data.rindex(SOS) : -len(EOI)]
    return data[: -len(EOI)] + scan * times + EOI


def behind_start(data: bytes, segments: bytes) -> bytes:
    """Returns a JPEG with segments before its own."""
    return data[:2] + segments + data[2:]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_progressive_photos_are_read(mode: str) -> None:
    """What encoders write, up to eighteen scans of print colours, is within the limit."""
    data = encoded(picture(1).convert(mode), progressive=True)
    assert 5 < data.count(SOS) <= 18
    assert decode_for_backbone(data, 32).shape == (32, 32, 3)


def test_a_progressive_file_of_many_scans_is_refused() -> None:
    """A few bytes a scan make the decoder pass over all pixels again; past the limit the file is refused."""
    within = encoded(Image.new("L", (64, 64)), progressive=True).count(SOS)
    assert decode_for_backbone(repeated_scan(MAX_SCANS - within), 32).shape == (32, 32, 3)
    with pytest.raises(ImageFormatUnknown, match="20 scans"):
        decode_for_backbone(repeated_scan(MAX_SCANS - within + 1), 32)


def test_a_sequential_file_of_many_scans_is_refused() -> None:
    """Scans of single colours are counted also where the file is not progressive."""
    data = encoded(Image.new("RGB", (64, 64)))
    start = data.index(SOS)
    scan = SOS + bytes([0, 8, 1, 1, 0, 0, 63, 0])
    assert not asks_too_much(data[:start] + scan * MAX_SCANS + EOI)
    assert asks_too_much(data[:start] + scan * (MAX_SCANS + 1) + EOI)


def test_what_looks_like_a_scan_and_is_none_does_not_count() -> None:
    """Neither metadata, such as a thumbnail of their own, nor what stands behind the picture is a scan of it."""
    thumbnails = behind_start(encoded(picture(1), progressive=True), b"\xff\xe1\x01\x02" + SOS * 128)
    assert not asks_too_much(thumbnails + SOS * 99)
    decode_for_backbone(thumbnails + SOS * 99, 32)
    # A sequential picture has all that is decoded of it in its first scan.
    assert not asks_too_much(encoded(picture(1))[: -len(EOI)] + SOS * 99)


def test_a_file_of_countless_segments_is_refused() -> None:
    """Pillow takes microseconds for each, seconds for a million of empty ones."""
    data = encoded(picture(1))
    assert decode_for_backbone(behind_start(data, NO_METADATA * (MAX_SEGMENTS - 20)), 32).shape == (32, 32, 3)
    with pytest.raises(ImageFormatUnknown, match="1,000 segments"):
        decode_for_backbone(behind_start(data, NO_METADATA * (MAX_SEGMENTS + 1)), 32)
