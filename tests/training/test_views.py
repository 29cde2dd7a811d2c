"""Views of an image that a head learns from."""

import io

import numpy as np
import pytest
from PIL import Image

from customvision.training.computation.views import AS_SERVED, CLOSER, view_count, views_of
from customvision.vision.decoding import ImageFormatUnknown, decode_for_backbone
from pictures import encoded, photo, picture


@pytest.mark.parametrize(
    ("images", "tags", "views"),
    [
        (10, 2, 4),
        (31, 2, 4),
        (32, 2, 2),
        (800, 60, 4),
        (801, 60, 2),
        (1600, 100, 2),
        (1601, 100, 1),
        (126, 2, 2),
        (128, 2, 1),
        (100_000, 500, 1),
        (5, 0, 4),
    ],
)
def test_views_that_pay(images: int, tags: int, views: int) -> None:
    """Few images are looked at more often: below 16 a tag four times, below 64 twice, and many images once."""
    assert view_count(images, tags) == views


def files() -> list[bytes]:
    """Returns pictures of several kinds: upright and turned, wide, tiny, large, with a palette, see-through, grey."""
    turned = Image.Exif()
    turned[0x0112] = 6
    large = encoded(picture(1, size=(900, 700)))
    return [
        photo(3),
        photo(4, kind="PNG"),
        encoded(picture(5, size=(130, 60)), exif=turned.tobytes()),
        encoded(picture(6, size=(1, 1)), "PNG"),
        encoded(picture(6, size=(3, 500)), "PNG"),
        large,
        encoded(picture(7).convert("P"), "GIF"),
        encoded(Image.new("RGBA", (90, 60), (250, 20, 30, 120)), "PNG"),
        encoded(picture(8).convert("L"), "PNG"),
    ]


@pytest.mark.parametrize("data", files())
@pytest.mark.parametrize("size", [64, 224])
def test_first_view_is_what_predictions_see(data: bytes, size: int) -> None:
    """The first view is, to the last pixel, what prediction decodes, however many others are asked for."""
    served = decode_for_backbone(data, size)
    for wanted in (range(1), range(4)):
        assert np.array_equal(views_of(data, size, wanted)[AS_SERVED], served)


@pytest.mark.parametrize("data", files())
def test_others_are_mirrored_and_closer(data: bytes) -> None:
    """The second view is the first one's mirror image, the fourth the third's; all are of one size, whole in memory."""
    served, mirrored, closer, closer_mirrored = views_of(data, 96, range(4))
    assert np.array_equal(mirrored, served[:, ::-1])
    assert np.array_equal(closer_mirrored, closer[:, ::-1])
    for view in (served, mirrored, closer, closer_mirrored):
        assert (view.shape, str(view.dtype)) == ((96, 96, 3), "uint8")
        assert view.flags.c_contiguous


def test_closer_shows_the_middle() -> None:
    """Closer up a tenth is gone from each edge: a frame of that width is not seen, what is inside fills the view."""
    framed = Image.new("RGB", (200, 100), (255, 0, 0))
    framed.paste((0, 0, 255), (20, 10, 180, 90))
    buffer = io.BytesIO()
    framed.save(buffer, "PNG")
    served, closer = (views_of(buffer.getvalue(), 64, range(4))[view] for view in (AS_SERVED, CLOSER))
    assert served[0, 0].tolist() == [255, 0, 0]
    assert closer[1:-1, 1:-1].reshape(-1, 3).min(axis=0).tolist() == [0, 0, 255]
    assert closer[..., 0].max() < 60


def test_what_cannot_be_decoded_is_refused() -> None:
    """A damaged file is refused as it is in prediction."""
    with pytest.raises(ImageFormatUnknown):
        views_of(photo(1)[:300], 64, range(4))
