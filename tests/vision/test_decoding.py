"""From a file's bytes to pixels."""

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from customvision.common.errors import InvalidArgument
from customvision.vision.decoding import (
    EXIF_ORIENTATION,
    LARGE_PIXELS,
    MAX_BYTES,
    MAX_PIXELS,
    MAX_WEBP_PIXELS,
    ImageFormatUnknown,
    ImageHasTooManyPixels,
    ImageTooLarge,
    PictureIsLarge,
    decode_for_backbone,
    open_upright,
)
from pictures import encoded, photo, picture

UNDO = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored_turned(image: Image.Image, orientation: int, kind: str) -> bytes:
    """Returns ``image`` as a camera held in that orientation stores it."""
    undo = UNDO[orientation]
    stored = image.copy() if undo is None else image.transpose(undo)
    exif = stored.getexif()
    exif[EXIF_ORIENTATION] = orientation
    return encoded(stored, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_reads_every_format(kind: str) -> None:
    """A picture of a plain colour is that colour, whatever its format."""
    data = encoded(Image.new("RGB", (96, 72), (200, 40, 90)), kind)
    pixels = decode_for_backbone(data, 32)
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - (200, 40, 90)).max() <= 6


@pytest.mark.parametrize(
    ("mode", "kind", "color", "expected"),
    [
        ("L", "JPEG", 128, (128, 128, 128)),
        ("L", "PNG", 128, (128, 128, 128)),
        ("1", "PNG", 1, (255, 255, 255)),
        ("CMYK", "JPEG", (0, 255, 255, 0), (255, 0, 0)),
        ("RGBA", "PNG", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", "WEBP", (255, 0, 0, 255), (255, 0, 0)),
        ("LA", "PNG", (0, 0), (255, 255, 255)),
        ("I;16", "PNG", 32896, (128, 128, 128)),
    ],
)
def test_reads_every_mode(mode: str, kind: str, color: int | tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Grey, black and white, print colours, 16 bits and transparency come out as a person sees them, on white."""
    pixels = decode_for_backbone(encoded(Image.new(mode, (40, 40), color), kind), 32)
    assert np.abs(pixels.astype(int) - expected).max() <= 4


def test_reads_palettes_with_transparency() -> None:
    """The transparent entry of a palette is white."""
    image = Image.new("P", (40, 40), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    opaque = decode_for_backbone(encoded(image, "GIF"), 32)
    transparent = decode_for_backbone(encoded(image, "GIF", transparency=1), 32)
    assert (opaque == (255, 0, 0)).all()
    assert (transparent == (255, 255, 255)).all()


def test_an_animation_is_its_first_frame() -> None:
    """Later frames do not count."""
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "lime")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode_for_backbone(data, 32) == (255, 0, 0)).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_pictures_upright(orientation: int, kind: str) -> None:
    """All eight orientations give the same pixels and the same upright size."""
    image = picture(2, size=(64, 48))
    header, upright = open_upright(stored_turned(image, orientation, kind), smallest_side=32)
    assert (header.width, header.height, header.orientation) == (64, 48, orientation)
    assert np.array_equal(np.asarray(upright), np.asarray(image))


def test_turns_large_photos_alike_although_they_are_decoded_smaller() -> None:
    """A JPEG that is decoded at half its size or less keeps its upright size in the header and its orientation."""
    image = Image.effect_noise((1200, 800), 30).convert("RGB").resize((1200, 800))
    image.paste((255, 0, 0), (0, 0, 600, 400))
    for orientation in range(1, 9):
        header, upright = open_upright(stored_turned(image, orientation, "JPEG"), smallest_side=64)
        assert (header.width, header.height) == (1200, 800)
        assert upright.width < 1200
        assert upright.width > upright.height >= 64
        red = np.asarray(upright.resize((4, 4)))[0, 0]
        assert red[0] > 200
        assert red[1] < 60


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what decoders are handed, one after the other."""
    pieces: list[int] = []
    real = Image._getdecoder

    def getdecoder(*arguments: Any) -> Any:
        decoder = real(*arguments)

        def decode(data: bytes) -> Any:
            pieces.append(len(data))
            return decoder.decode(data)

        return SimpleNamespace(
            decode=decode, setimage=decoder.setimage, cleanup=decoder.cleanup, pulls_fd=decoder.pulls_fd
        )

    monkeypatch.setattr(Image, "_getdecoder", getdecoder)
    return pieces


def test_a_large_photo_is_decoded_in_one_go(pieces: list[int]) -> None:
    """The decoder gets the whole file at once: between pieces its thread would wait for the interpreter's lock."""
    data = encoded(picture(1, size=(1200, 900)), quality=95)
    assert len(data) > 3 * 65536
    pieces.clear()
    decode_for_backbone(data, 64)
    assert pieces == [len(data)]


def plain_webp(width: int, height: int) -> bytes:
    """Returns a lossless WebP of one colour: 40 bytes, whatever its size."""
    data = bytearray(encoded(Image.new("RGB", (8, 8), (1, 2, 3)), "WEBP", lossless=True, method=0))
    size = int.from_bytes(data[21:25], "little") >> 28 << 28 | (height - 1) << 14 | (width - 1)
    data[21:25] = size.to_bytes(4, "little")
    return bytes(data)


def test_a_small_file_of_many_pixels_is_not_decoded_by_its_few_bytes(pieces: list[int]) -> None:
    """The pixels of a WebP of 40 bytes reach Pillow in large pieces, not in a hundred thousand."""
    assert (decode_for_backbone(plain_webp(1000, 1000), 32) == (1, 2, 3)).all()
    assert len(pieces) < 100


def test_a_webp_may_have_fewer_pixels() -> None:
    """What cannot be decoded in less than sixteen bytes a pixel is refused from 40 million on, in those words."""
    assert MAX_WEBP_PIXELS < 8000 * 5001 < MAX_PIXELS
    with pytest.raises(ImageHasTooManyPixels, match="40 million"):
        decode_for_backbone(plain_webp(8000, 5001), 32)


def test_a_large_picture_is_told_before_it_is_decoded(pieces: list[int]) -> None:
    """Whoever decodes only others learns it from the header."""
    assert LARGE_PIXELS < 4001 * 4000
    # Asked for its orientation, a PNG would be decoded.
    for data in (plain_webp(4001, 4000), encoded(Image.new("1", (4001, 4000)), "PNG")):
        pieces.clear()
        with pytest.raises(PictureIsLarge):
            decode_for_backbone(data, 32, large_too=False)
        assert pieces == []
    assert decode_for_backbone(plain_webp(100, 100), 32, large_too=False).shape == (32, 32, 3)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_impossible_orientation_is_upright(value: int) -> None:
    """A camera's nonsense does not make a picture unreadable."""
    image = picture(2)
    exif = image.getexif()
    exif[EXIF_ORIENTATION] = value
    assert open_upright(encoded(image, "JPEG", exif=exif), smallest_side=32)[0].orientation == 1


def test_damaged_metadata_does_not_matter() -> None:
    """Bytes that claim to be EXIF and are not leave the picture readable."""
    data = encoded(picture(2), "JPEG", exif=b"Exif\x00\x00garbage that is no TIFF header")
    assert open_upright(data, smallest_side=32)[0].orientation == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_truncated_file_is_refused(kind: str) -> None:
    """Half a file is damage, never a picture with grey below."""
    data = photo(1, kind=kind)
    with pytest.raises(ImageFormatUnknown, match="damaged"):
        decode_for_backbone(data[: len(data) // 2], 32)


@pytest.mark.parametrize("kind", ["TIFF", "ICO", "PPM", "PDF", "JPEG2000"])
def test_other_formats_are_refused(kind: str) -> None:
    """What Pillow could read besides is refused all the same."""
    with pytest.raises(ImageFormatUnknown):
        decode_for_backbone(photo(1, kind=kind), 32)


def test_limits_are_told_with_their_figures() -> None:
    """Empty, too many bytes, too many pixels: each has its error and its sentence, and costs no decoding."""
    with pytest.raises(ImageTooLarge, match="empty"):
        decode_for_backbone(b"", 32)
    with pytest.raises(ImageTooLarge, match="6 MiB"):
        decode_for_backbone(bytes(MAX_BYTES + 1), 32)
    large = encoded(Image.new("1", (13000, 13000)), "PNG")
    assert len(large) < 50_000
    with pytest.raises(ImageHasTooManyPixels, match="64 million"):
        decode_for_backbone(large, 32)
    between = encoded(Image.new("1", (8001, 8000)), "PNG")
    assert MAX_PIXELS < 8001 * 8000
    with pytest.raises(ImageHasTooManyPixels, match="64 million"):
        decode_for_backbone(between, 32)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_the_smallest_and_the_thinnest_are_read(size: tuple[int, int]) -> None:
    """A picture of one pixel, or of one line, is a picture."""
    for kind in ("PNG", "JPEG"):
        assert decode_for_backbone(encoded(Image.new("RGB", size, "red"), kind), 32).shape == (32, 32, 3)


def test_is_the_same_every_time() -> None:
    """Equal bytes give equal pixels."""
    assert np.array_equal(decode_for_backbone(photo(5), 32), decode_for_backbone(photo(5), 32))


@given(st.binary(max_size=2000))
def test_random_bytes_raise_our_errors_only(data: bytes) -> None:
    """No input gets anything but pixels or an INVALID_ARGUMENT out of it."""
    _decode_or_refuse(data)


SAMPLES = [photo(1, kind=kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP")]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_pictures_raise_our_errors_only(data: bytes, changes: list[tuple[int, int]]) -> None:
    """Flipped bytes anywhere in a real file neither crash nor warn."""
    damaged = bytearray(data)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    _decode_or_refuse(bytes(damaged))


def _decode_or_refuse(data: bytes) -> None:
    try:
        pixels = decode_for_backbone(data, 8)
    except InvalidArgument as error:
        assert error.field == "image_data"
        assert error.reason.startswith("IMAGE_")
    else:
        assert pixels.shape == (8, 8, 3)


def test_reads_from_memory_only() -> None:
    """The bytes may come from anywhere: a view of a larger buffer is fine."""
    data = photo(1)
    assert np.array_equal(decode_for_backbone(io.BytesIO(data).getvalue(), 16), decode_for_backbone(data, 16))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1", "P", "LA"])
def test_a_very_large_picture_is_shrunk_before_it_is_converted(mode: str) -> None:
    """A picture of 24 million pixels comes out smaller, with the colours that it has, whatever its mode."""
    drawn = Image.new("RGB", (6000, 4000), (255, 255, 255))
    drawn.paste((0, 0, 0), (0, 0, 3000, 4000))
    _, upright = open_upright(encoded(drawn.convert(mode), "PNG"), smallest_side=448)
    assert min(upright.size) >= 448
    assert upright.width < 1500
    assert upright.mode == "RGB"
    assert upright.getpixel((10, 10)) == (0, 0, 0)
    assert upright.getpixel((upright.width - 10, 10)) == (255, 255, 255)
