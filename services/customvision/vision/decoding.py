"""From a file's bytes to pixels, the same way for training and prediction, within limits."""

import contextlib
import io
import threading
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from customvision.common.errors import InvalidArgument
from customvision.vision.jpeg_scans import MAX_SCANS, MAX_SEGMENTS, asks_too_much

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
MAX_BYTES = 6 * 1024 * 1024
MAX_PIXELS = 64_000_000
# WebP is decoded with sixteen bytes a pixel, in four copies: 600 MB at this size.
MAX_WEBP_PIXELS = 40_000_000
# Pictures above this are decoded one at a time: each takes hundreds of megabytes for a moment.
LARGE_PIXELS = 16_000_000
_LARGE_PICTURES = threading.Lock()
# The name of this recipe: part of a backbone's identity, changed whenever pixels could.
PREPROCESSING = "squash-bilinear-rgb-1"
EXIF_ORIENTATION = 0x0112
SWAPS_SIDES = frozenset({5, 6, 7, 8})
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# A truncated file must be refused, not padded with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = False
# We check the pixel count ourselves, before decoding, and say so in our own words.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# What Pillow warns about (odd metadata, large pictures) is either refused below or of no interest to anyone.
warnings.filterwarnings("ignore", module=r"PIL\.")

RgbPixels = npt.NDArray[np.uint8]


class ImageFormatUnknown(InvalidArgument):
    """The bytes are no image of a format that we read, or a damaged one."""

    reason = "IMAGE_FORMAT_UNKNOWN"


class ImageTooLarge(InvalidArgument):
    """The file has too many bytes, or none."""

    reason = "IMAGE_SIZE_INVALID"


class ImageHasTooManyPixels(InvalidArgument):
    """The image would need too much memory to decode."""

    reason = "IMAGE_DIMENSIONS_INVALID"


class PictureIsLarge(Exception):
    """A picture that takes long and much memory to decode came where only others are decoded."""


@dataclass(frozen=True)
class ImageHeader:
    """What a file's header says: ``format`` as Pillow names it, upright size in pixels, EXIF ``orientation`` 1 to 8."""

    format: str
    width: int
    height: int
    orientation: int


def decode_for_backbone(data: bytes, size: int, *, large_too: bool = True) -> RgbPixels:
    """Decodes, turns upright and resizes to ``uint8[size, size, 3]``, RGB, aspect ratio not kept.

    Raises ImageFormatUnknown, ImageTooLarge, ImageHasTooManyPixels; PictureIsLarge, before it is decoded, for a picture
    of more than LARGE_PIXELS unless ``large_too``.
    """
    return resized_for_backbone(open_for_backbone(data, size, large_too=large_too), size)


def open_for_backbone(data: bytes, size: int, *, large_too: bool = True) -> Image.Image:
    """Decodes to an upright RGB image, large enough to be resized to ``size`` pixels; raises what decoding does."""
    _, image = open_upright(data, smallest_side=2 * size, large_too=large_too)
    return image


def resized_for_backbone(
    image: Image.Image, size: int, box: tuple[float, float, float, float] | None = None
) -> RgbPixels:
    """Returns ``uint8[size, size, 3]`` of an image, or of what is inside ``box`` (left, upper, right, lower)."""
    # reducing_gap lets Pillow shrink large pictures by whole factors first, which is several times faster.
    resized = image.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    return np.asarray(resized, dtype=np.uint8)


def open_upright(data: bytes, *, smallest_side: int, large_too: bool = True) -> tuple[ImageHeader, Image.Image]:
    """Decodes all of ``data`` to an upright RGB image on white; a JPEG, or a very large picture, may come out smaller.

    No side of what is returned is shorter than ``smallest_side`` unless the file's is. All of the file is read,
    so damage is found. Raises what decode_for_backbone raises.
    """
    _check_size(data)
    _check_scans(data)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        # Decoded in one go: between pieces, Pillow would wait for the interpreter's lock again and again. Never in less
        # than its own pieces: what WebP hands on may be millions of times the file.
        image.decodermaxblock = max(len(data), ImageFile.MAXBLOCK)
        _check_pixels(image)
        large = image.width * image.height > LARGE_PIXELS
        if large and not large_too:
            raise PictureIsLarge
        with _LARGE_PICTURES if large else contextlib.nullcontext():
            # Not before: to find the orientation of a PNG, Pillow decodes it.
            header = _header(image)
            upright = _decoded(image, header, smallest_side)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(MAX_PIXELS) from error
    except (InvalidArgument, PictureIsLarge):
        raise
    # Pillow's decoders raise many kinds of error on damaged input; all of them mean the same to a user.
    except Exception as error:
        raise ImageFormatUnknown(
            "The file is not a readable image: it is damaged, or not JPEG, PNG, GIF, BMP or WebP.", field="image_data"
        ) from error
    return header, upright


def _decoded(image: Image.Image, header: ImageHeader, smallest_side: int) -> Image.Image:
    if header.format == "JPEG":
        image.draft(None, (smallest_side, smallest_side))
    image.load()
    upright = _to_rgb(image, smallest_side)
    return upright if header.orientation == 1 else upright.transpose(TURNS[header.orientation])


def _check_size(data: bytes) -> None:
    if not data:
        raise ImageTooLarge("The image is empty: it has no bytes.", field="image_data")
    if len(data) > MAX_BYTES:
        raise ImageTooLarge(
            f"The image has {len(data):,} bytes; at most {MAX_BYTES:,} (6 MiB) are accepted. Save it smaller.",
            metadata={"size_bytes": str(len(data)), "max_bytes": str(MAX_BYTES)},
            field="image_data",
        )


def _check_scans(data: bytes) -> None:
    if asks_too_much(data):
        raise ImageFormatUnknown(
            f"The JPEG has more than {MAX_SCANS} scans or {MAX_SEGMENTS:,} segments. Save it with another program.",
            field="image_data",
        )


def _check_pixels(image: Image.Image) -> None:
    max_pixels = MAX_WEBP_PIXELS if image.format == "WEBP" else MAX_PIXELS
    if image.width * image.height > max_pixels:
        raise _too_many_pixels(max_pixels)


def _header(image: Image.Image) -> ImageHeader:
    width, height = image.size
    orientation = _orientation(image)
    if orientation in SWAPS_SIDES:
        width, height = height, width
    # A phone's JPEG with a second picture behind the first; it decodes, and must be reduced, like any JPEG.
    kind = "JPEG" if image.format == "MPO" else image.format or ""
    return ImageHeader(format=kind, width=width, height=height, orientation=orientation)


def _too_many_pixels(max_pixels: int) -> ImageHasTooManyPixels:
    return ImageHasTooManyPixels(
        f"The image has more than {max_pixels // 1_000_000} million pixels. Save it smaller, or as JPEG.",
        metadata={"max_pixels": str(max_pixels)},
        field="image_data",
    )


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF does not make a picture unreadable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_rgb(image: Image.Image, smallest_side: int) -> Image.Image:
    image = eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = _shrunk(_in_mode(image, "RGBA"), smallest_side)
        white = Image.new("RGB", layer.size, (255, 255, 255))
        white.paste(layer, mask=layer.getchannel("A"))
        return white
    return _shrunk(_in_mode(image, "RGB"), smallest_side)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    # Pillow's convert copies also where there is nothing to convert.
    return image if image.mode == mode else image.convert(mode)


def _shrunk(image: Image.Image, smallest_side: int) -> Image.Image:
    """Returns a very large picture smaller by a whole factor: what follows needs several times its memory."""
    factor = min(image.size) // smallest_side
    large = image.width * image.height > LARGE_PIXELS
    return image.reduce(factor) if large and factor > 1 else image


def eight_bits(image: Image.Image) -> Image.Image:
    """Returns 16-bit grey as 8-bit grey, which Pillow's own conversion clips to white; other pictures as they are."""
    if not (image.mode.startswith("I;16") or image.mode in ("I", "F")):
        return image
    return Image.fromarray((np.asarray(image) // 257).clip(0, 255).astype(np.uint8))
