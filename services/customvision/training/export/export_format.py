"""Which formats there are, and how close each must come to the served model."""

import enum

from customvision.common.errors import InvalidArgument
from customvision.v1 import training_service_pb2

FLOAT32_TOLERANCE = 1e-3
# Weights rounded to 11 bits moved the probabilities of trained models by 0.002 at most where it was measured.
FLOAT16_TOLERANCE = 2e-2


class ExportFormat(enum.Enum):
    """The file formats of an export."""

    KERAS = "keras"
    SAVED_MODEL = "saved_model"
    LITERT = "litert"
    LITERT_FLOAT16 = "litert_float16"
    ONNX = "onnx"
    OPENVINO = "openvino"

    @property
    def tolerance(self) -> float:
        """How far any probability may be from the served model's."""
        return FLOAT16_TOLERANCE if self is ExportFormat.LITERT_FLOAT16 else FLOAT32_TOLERANCE

    @property
    def keras_backend(self) -> str:
        """What Keras builds the network with."""
        # ONNX is written from Keras' own layers: TensorFlow's loading would take most of the time.
        return "openvino" if self is ExportFormat.ONNX else "tensorflow"

    @property
    def file_name_part(self) -> str:
        """The format as the names of zips have it, such as ``saved-model``."""
        return self.value.replace("_", "-")


class ExportFormatUnknown(InvalidArgument):
    """The export format is none that this version knows."""

    reason = "EXPORT_FORMAT_UNKNOWN"


_FORMATS: dict["training_service_pb2.ExportFormat.ValueType", ExportFormat] = {
    training_service_pb2.EXPORT_FORMAT_UNSPECIFIED: ExportFormat.KERAS,
    training_service_pb2.EXPORT_FORMAT_KERAS: ExportFormat.KERAS,
    training_service_pb2.EXPORT_FORMAT_SAVED_MODEL: ExportFormat.SAVED_MODEL,
    training_service_pb2.EXPORT_FORMAT_LITERT: ExportFormat.LITERT,
    training_service_pb2.EXPORT_FORMAT_LITERT_FLOAT16: ExportFormat.LITERT_FLOAT16,
    training_service_pb2.EXPORT_FORMAT_ONNX: ExportFormat.ONNX,
    training_service_pb2.EXPORT_FORMAT_OPENVINO: ExportFormat.OPENVINO,
}


def export_format_of(value: "training_service_pb2.ExportFormat.ValueType") -> ExportFormat:
    """Returns the format that was asked for. Raises ExportFormatUnknown."""
    if value not in _FORMATS:
        names = [training_service_pb2.ExportFormat.Name(number) for number in _FORMATS if number]
        raise ExportFormatUnknown(
            f"format is {value}, which this version does not know; use one of {', '.join(names)}.", field="format"
        )
    return _FORMATS[value]
