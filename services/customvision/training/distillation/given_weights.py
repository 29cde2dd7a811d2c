"""What weights a distillation takes, told from their files alone, before TensorFlow is loaded."""

from pathlib import Path

from customvision.training.backbones.architectures import MOBILENET_V2
from customvision.training.backbones.weights_file import WeightsUnusable, read_shape


def check_teacher(file: Path) -> None:
    """Raises WeightsUnusable where the file holds no MobileNetV2 with a classifier on top."""
    shape = read_shape(file)
    if shape.network.family != MOBILENET_V2 or shape.classes is None:
        raise WeightsUnusable(
            f"The teacher {file.name} is no MobileNetV2, or has no classifier on top. Give weights with "
            "their classifier, such as those that keras.applications.MobileNetV2() loads."
        )


def check_start(file: Path, width: float) -> None:
    """Raises WeightsUnusable where the file holds no MobileNetV2 of that width."""
    found = read_shape(file).network
    if (found.family, found.width) != (MOBILENET_V2, width):
        raise WeightsUnusable(
            f"{file.name} is a {found.family.keras_name} of width {found.width} and the student a MobileNetV2 of "
            f"{width}; they must be alike."
        )
