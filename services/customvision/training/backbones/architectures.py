"""The networks that a backbone can be, one table: Keras' MobileNets, their widths, and how weights of each are told."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

# Between the multiples of a MobileNet's stride, Keras pads otherwise than a network that was trained for any size.
STRIDE, LARGEST_INPUT_SIZE = 32, 1024
# What Keras' own weights are for, and every file that does not say otherwise.
USUAL_INPUT_SIZE = 224
KERAS_SERVER = "storage.googleapis.com"
_NAME = re.compile(r"(?P<family>[a-z0-9_]+)_(?P<width>\d\.\d+)_(?P<input_size>\d+)")

Shape = tuple[int, ...]


class ArchitectureUnknown(Exception):
    """There is no such network here; the message says which there are."""


@dataclass(frozen=True)
class Family:
    """A kind of MobileNet; ``keras_name`` is what keras.applications calls it.

    Keras publishes ImageNet weights of all ``widths`` for ``published_sizes``, below the folder ``keras_folder`` of
    its server; ``file_name`` tells the name of a width and size there, and ``md5`` its digest where Keras knows one.

    Weights of a width hold arrays of all shapes in ``marks``, which no other network has together.
    ``classifier_input`` is the shape, but for the classes, of the last kernel of a network with a classifier, which
    has ``classifier_arrays`` arrays in all. ``inner_layers`` are the depths at which features are taken beside the
    last.
    """

    name: str
    keras_name: str
    widths: tuple[float, ...]
    published_sizes: tuple[int, ...]
    keras_folder: str
    file_name: Callable[[float, int], str]
    marks: Callable[[float], frozenset[Shape]]
    classifier_input: Callable[[float], Shape]
    classifier_arrays: int = 2
    inner_layers: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    md5: dict[float, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Architecture:
    """A network: ``family``, ``width`` multiplier, side of the input in pixels. All take pixels of -1 to 1."""

    family: Family
    width: float
    input_size: int

    @property
    def name(self) -> str:
        """What it is called in the contract, such as mobilenet_v2_1.0_224."""
        return f"{self.family.name}_{self.width}_{self.input_size}"

    @property
    def keras_file(self) -> str:
        """The name of the file with Keras' own weights of it, without a classifier; empty where Keras has none."""
        published = self.input_size in self.family.published_sizes
        return self.family.file_name(self.width, self.input_size) if published else ""

    @property
    def keras_url(self) -> str:
        """Where Keras' own weights of it are; empty where it has none."""
        file = self.keras_file
        folder = f"https://{KERAS_SERVER}/tensorflow/keras-applications/{self.family.keras_folder}"
        return f"{folder}/{file}" if file else ""


def _v1_file_name(width: float, input_size: int) -> str:
    text = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}[width]
    return f"mobilenet_{text}_{input_size}_tf_no_top.h5"


def _v1_marks(width: float) -> frozenset[Shape]:
    first, last = int(32 * width), int(1024 * width)
    return frozenset({(3, 3, 3, first), (3, 3, last, 1), (1, 1, int(512 * width), last), (1, 1, last, last)})


def _v2_marks(width: float) -> frozenset[Shape]:
    narrow, last = _divisible(160 * width), _divisible(1280 * max(width, 1.0))
    return frozenset({(3, 3, 6 * narrow, 1), (1, 1, 6 * narrow, narrow), (1, 1, _divisible(320 * width), last)})


def _v3_marks(narrow: int) -> Callable[[float], frozenset[Shape]]:
    def marks(width: float) -> frozenset[Shape]:
        last = _divisible(narrow * width)
        wide = _divisible(6 * last)
        return frozenset({(3, 3, 3, 16), (5, 5, wide, 1), (1, 1, wide, last), (1, 1, last, wide)})

    return marks


def _divisible(value: float) -> int:
    # Channels are rounded to multiples of 8, never down by more than a tenth.
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


MOBILENET_V1 = Family(
    name="mobilenet_v1",
    keras_name="MobileNet",
    widths=(1.0, 0.75, 0.5, 0.25),
    published_sizes=(128, 160, 192, 224),
    keras_folder="mobilenet",
    file_name=_v1_file_name,
    marks=_v1_marks,
    classifier_input=lambda width: (1, 1, int(1024 * width)),
)
MOBILENET_V2 = Family(
    name="mobilenet_v2",
    keras_name="MobileNetV2",
    widths=(1.0, 0.75, 0.5, 0.35, 1.3, 1.4),
    published_sizes=(96, 128, 160, 192, 224),
    keras_folder="mobilenet_v2",
    file_name=lambda width, size: f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{width}_{size}_no_top.h5",
    marks=_v2_marks,
    classifier_input=lambda width: (_divisible(1280 * max(width, 1.0)),),
    # After a block has widened; and the last narrow one, before all is spread over the last features.
    inner_layers=(
        "block_6_expand_relu",
        "block_10_expand_relu",
        "block_13_expand_relu",
        "block_15_expand_relu",
        "block_16_project_BN",
    ),
)
MOBILENET_V3_LARGE = Family(
    name="mobilenet_v3_large",
    keras_name="MobileNetV3Large",
    widths=(1.0, 0.75),
    published_sizes=(224,),
    keras_folder="mobilenet_v3",
    file_name=lambda width, size: f"weights_mobilenet_v3_large_{size}_{width}_float_no_top_v2.h5",
    marks=_v3_marks(160),
    classifier_input=lambda _: (1, 1, 1280),
    classifier_arrays=4,
    # Like the others it then takes scaled pixels; the weights are the same.
    options={"include_preprocessing": False},
    md5={1.0: "07fb09a5933dd0c8eaafa16978110389", 0.75: "40af19a13ebea4e2ee0c676887f69a2e"},
)
MOBILENET_V3_SMALL = Family(
    name="mobilenet_v3_small",
    keras_name="MobileNetV3Small",
    widths=(1.0, 0.75),
    published_sizes=(224,),
    keras_folder="mobilenet_v3",
    file_name=lambda width, size: f"weights_mobilenet_v3_small_{size}_{width}_float_no_top_v2.h5",
    marks=_v3_marks(96),
    classifier_input=lambda _: (1, 1, 1024),
    classifier_arrays=4,
    options={"include_preprocessing": False},
    md5={1.0: "d3e8ec802a04aa4fc771ee12a9a9b836", 0.75: "ebdb5cc8e0b497cd13a7c275d475c819"},
)
FAMILIES = (MOBILENET_V1, MOBILENET_V2, MOBILENET_V3_LARGE, MOBILENET_V3_SMALL)
DEFAULT = Architecture(MOBILENET_V2, 1.0, USUAL_INPUT_SIZE)
# By the names under which Keras publishes weights; the files themselves do not tell the input size.
KERAS_FILES = {
    architecture.keras_file: architecture
    for family in FAMILIES
    for width in family.widths
    for size in family.published_sizes
    for architecture in [Architecture(family, width, size)]
}


def architecture_of(name: str) -> Architecture:
    """Returns the network that goes by ``name``, such as mobilenet_v2_1.0_224. Raises ArchitectureUnknown."""
    parts = _NAME.fullmatch(name)
    families = {family.name: family for family in FAMILIES}
    if parts is None or parts["family"] not in families:
        raise ArchitectureUnknown(f"There is no network '{name}'; the families are {_listed(list(families))}.")
    family, width, input_size = families[parts["family"]], float(parts["width"]), int(parts["input_size"])
    if width not in family.widths:
        raise ArchitectureUnknown(f"{family.name} has no width {width}; it has {_listed(family.widths)}.")
    if not is_input_size(input_size):
        raise ArchitectureUnknown(
            f"A network cannot take {input_size} pixels; the side is a multiple of {STRIDE} up to {LARGEST_INPUT_SIZE}."
        )
    return Architecture(family, width, input_size)


def is_input_size(size: int) -> bool:
    """True for a side in pixels that the networks can be built for."""
    return size in range(STRIDE, LARGEST_INPUT_SIZE + 1, STRIDE)


def _listed(things: Sequence[object]) -> str:
    return ", ".join(map(str, things))
