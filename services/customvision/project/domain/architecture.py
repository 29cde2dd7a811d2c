"""The networks that domains rest on: sizes, what they take and how long they take."""

from dataclasses import dataclass
from datetime import timedelta

_SCALED = "x / 127.5 - 1"
_SCALED_INSIDE = "x (0 to 255; scaled inside the network)"
_BYTES_PER_WEIGHT = 4


@dataclass(frozen=True)
class Architecture:
    """A network of Keras' MobileNet family without its classifier; ``name`` is family, width and side of the input.

    ``preprocessing`` says how pixel values of 0 to 255 reach it. ``latency`` of one image on one core was measured on
    the machine that docs/domains.md names.
    """

    name: str
    weight_count: int
    preprocessing: str
    latency: timedelta

    @property
    def input_size(self) -> int:
        """The side in pixels of what the network sees."""
        return int(self.name.rpartition("_")[2])

    @property
    def weights_size_bytes(self) -> int:
        """The size of the weights in float32."""
        return self.weight_count * _BYTES_PER_WEIGHT


def _milliseconds(count: float) -> timedelta:
    return timedelta(milliseconds=count)


V2 = Architecture("mobilenet_v2_1.0_224", 2_257_984, _SCALED, _milliseconds(7.7))
V2_WIDE = Architecture("mobilenet_v2_1.4_224", 4_363_712, _SCALED, _milliseconds(14.7))
V2_NARROW = Architecture("mobilenet_v2_0.35_224", 410_208, _SCALED, _milliseconds(1.9))
V1 = Architecture("mobilenet_v1_1.0_224", 3_228_864, _SCALED, _milliseconds(13.2))
V3_LARGE = Architecture("mobilenet_v3_large_1.0_224", 2_996_352, _SCALED_INSIDE, _milliseconds(6.4))
V3_SMALL = Architecture("mobilenet_v3_small_1.0_224", 939_120, _SCALED_INSIDE, _milliseconds(2.0))
