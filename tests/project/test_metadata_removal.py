"""Stored images: the same pixels, nothing else."""

import functools
import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from customvision.project.domain.image_preparation import PreparedImage, prepare_image
from customvision.vision.decoding import decode_for_backbone
from pictures import encoded, picture

SECRET = "Rosenweg 7, 48.137154 N"
LARGE = (1300, 950)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[29] = SECRET
    return exif


def _xmp(orientation: int) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{orientation}"'
        f' note="{SECRET}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def _jpeg(picture: Image.Image, orientation: int = 1, **options: object) -> bytes:
    described = {"exif": _exif(orientation), "comment": SECRET.encode(), "xmp": _xmp(orientation)}
    return encoded(picture, "JPEG", **described, icc_profile=SECRET.encode(), **options)


def _png(picture: Image.Image, orientation: int = 1, **options: object) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET)
    text.add_itxt("XML:com.adobe.xmp", _xmp(orientation).decode())
    return encoded(picture, "PNG", exif=_exif(orientation), pnginfo=text, **options)


def _grey_16_bits() -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 65536, (60, 80)).astype(np.uint16))


def _palette_with_transparency() -> bytes:
    return encoded(picture(4).quantize(16), "PNG", transparency=bytes([0, 128, 255]))


def _frames() -> list[Image.Image]:
    return [picture(seed) for seed in (5, 6, 7)]


def _multi_picture() -> bytes:
    return encoded(picture(8, size=LARGE), "MPO", save_all=True, append_images=[picture(9)], exif=_exif(6))


CASES: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: _jpeg(picture(1)),
    "large jpeg": lambda: _jpeg(picture(1, size=LARGE), quality=80),
    "progressive jpeg": lambda: _jpeg(picture(1, size=LARGE), progressive=True),
    "jpeg with restart markers": lambda: _jpeg(picture(1, size=LARGE), restart_marker_rows=1),
    "grayscale jpeg": lambda: _jpeg(picture(1).convert("L")),
    "cmyk jpeg": lambda: _jpeg(picture(1, size=LARGE).convert("CMYK")),
    "rgb jpeg": lambda: _jpeg(picture(1), keep_rgb=True),
    "jpeg with a zip behind": lambda: _jpeg(picture(1)) + b"PK\x03\x04" + SECRET.encode(),
    "multi-picture jpeg": _multi_picture,
    "png": lambda: _png(picture(2)),
    "rgba png": lambda: _png(Image.merge("RGBA", [*picture(2).split(), picture(3).convert("L")])),
    "grey png with alpha": lambda: _png(Image.merge("LA", [picture(2).convert("L"), picture(3).convert("L")])),
    "one-bit png": lambda: _png(picture(2).convert("1")),
    "palette png": lambda: _png(picture(2).quantize(200)),
    "palette png with transparency": _palette_with_transparency,
    "rgb png with a transparent colour": lambda: _png(picture(2), transparency=(128, 128, 128)),
    "16-bit png": lambda: _png(_grey_16_bits()),
    "animated png": lambda: _png(_frames()[0], save_all=True, append_images=_frames()[1:]),
    "png with bytes behind": lambda: _png(picture(2)) + SECRET.encode(),
    "gif": lambda: encoded(picture(5), "GIF", comment=SECRET.encode()),
    "animated gif": lambda: encoded(_frames()[0], "GIF", save_all=True, append_images=_frames()[1:]),
    "bmp": lambda: encoded(picture(6), "BMP"),
    "webp": lambda: encoded(picture(7), "WEBP", exif=_exif(8), xmp=_xmp(8)),
    "lossless webp with alpha": lambda: encoded(picture(7).convert("RGBA"), "WEBP", lossless=True),
}
for _number in range(1, 9):
    CASES[f"jpeg of orientation {_number}"] = functools.partial(_jpeg, picture(10, size=LARGE), _number)
    CASES[f"png of orientation {_number}"] = functools.partial(_png, picture(10), _number)


@pytest.mark.parametrize("case", CASES)
def test_stored_images_decode_to_the_pixels_of_the_upload(case: str) -> None:
    """What a model sees does not depend on whether it reads the upload or what was stored of it."""
    source = CASES[case]()
    prepared = prepare_image(source)
    assert np.array_equal(decode_for_backbone(prepared.data, 224), decode_for_backbone(source, 224))
    assert (prepared.content.width, prepared.content.height) == _upright_size(source)


@pytest.mark.parametrize("case", CASES)
def test_nothing_but_pixels_is_stored(case: str) -> None:
    """Place, comment, profile, description, and what hides behind the end are gone from image and thumbnail."""
    prepared = prepare_image(CASES[case]())
    for data in (prepared.data, prepared.thumbnail):
        assert SECRET.encode() not in data
        with Image.open(io.BytesIO(data)) as stored:
            stored.load()
            assert set(stored.getexif()) <= {0x0112}
            assert not {"comment", "xmp", "icc_profile", "XML:com.adobe.xmp", "Comment", "photoshop"} & set(stored.info)


def test_the_sample_photos_do_hold_what_is_removed() -> None:
    """The check above would see a secret that stays: the uploads hold it."""
    assert all(SECRET.encode() in CASES[case]() for case in ("jpeg", "png", "gif", "png with bytes behind"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_thumbnails_are_upright_and_small(orientation: int) -> None:
    """A thumbnail is a JPEG of at most 256 pixels a side that needs no turning."""
    prepared = prepare_image(_jpeg(picture(10, size=LARGE), orientation))
    with Image.open(io.BytesIO(prepared.thumbnail)) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert max(thumbnail.size) == 256
        assert (thumbnail.width > thumbnail.height) == (prepared.content.width > prepared.content.height)
        assert 0x0112 not in thumbnail.getexif()


def test_an_odd_container_is_stored_as_its_pixels() -> None:
    """A JPEG with stray bytes between its segments, which decoders forgive, is stored as PNG of the same picture."""
    source = encoded(picture(1))
    odd = source[:2] + source[2:].replace(b"\xff\xdb", b"\x00\x00\x00\xff\xdb", 1)
    prepared = prepare_image(odd)
    assert prepared.content.content_type == "image/png"
    assert np.array_equal(decode_for_backbone(prepared.data, 224), decode_for_backbone(odd, 224))


def test_a_large_picture_of_a_format_that_is_re_encoded_stays_below_the_limit() -> None:
    """What is stored can always be read again, also where a PNG of a WebP would be larger than images may be."""
    prepared = prepare_image(encoded(picture(1, size=(2200, 1700)), "WEBP", quality=80))
    assert _stored_size(prepared) == prepared.content.size_bytes <= 6 * 1024 * 1024
    assert decode_for_backbone(prepared.data, 224).shape == (224, 224, 3)


def test_a_png_with_a_broken_checksum_of_a_removed_chunk_is_clean() -> None:
    """Chunks that are dropped need not be whole."""
    source = encoded(picture(2), "PNG")
    body = b"tEXt" + b"Comment\x00" + SECRET.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    prepared = prepare_image(source[:33] + chunk + source[33:])
    assert prepared.data == prepare_image(source).data


def _upright_size(source: bytes) -> tuple[int, int]:
    from customvision.vision.decoding import open_upright

    _, upright = open_upright(source, smallest_side=100_000)
    return upright.size


def _stored_size(prepared: PreparedImage) -> int:
    return len(prepared.data)
