"""Exports in JSON, and what the API's platforms and flavors are in the contract."""

from typing import Annotated, TypeAlias

from pydantic import Field

from customvision.gateway.api_errors import ApiError
from customvision.gateway.rest.models.base import ApiModel
from customvision.gateway.rest.words import MAX_SHOWN_CHARACTERS, Words
from customvision.v1 import training_service_pb2
from customvision.v1.training_service_pb2 import (
    EXPORT_FORMAT_LITERT,
    EXPORT_FORMAT_LITERT_FLOAT16,
    EXPORT_FORMAT_ONNX,
    EXPORT_FORMAT_OPENVINO,
    EXPORT_FORMAT_SAVED_MODEL,
)

Format: TypeAlias = "training_service_pb2.ExportFormat.ValueType"
# A platform and a flavor, which is None for the platform's default.
Name = tuple[str, str | None]

# Where several names stand for one format, the first is what it goes by.
FORMATS: dict[Name, Format] = {
    ("TensorFlow", None): EXPORT_FORMAT_SAVED_MODEL,
    ("TensorFlow", "TensorFlowNormal"): EXPORT_FORMAT_SAVED_MODEL,
    ("TensorFlow", "TensorFlowSavedModel"): EXPORT_FORMAT_SAVED_MODEL,
    ("TensorFlow", "TensorFlowLite"): EXPORT_FORMAT_LITERT,
    ("TensorFlow", "TensorFlowLiteFloat16"): EXPORT_FORMAT_LITERT_FLOAT16,
    ("ONNX", None): EXPORT_FORMAT_ONNX,
    ("ONNX", "ONNX10"): EXPORT_FORMAT_ONNX,
    ("ONNX", "ONNX12"): EXPORT_FORMAT_ONNX,
    ("OpenVino", None): EXPORT_FORMAT_OPENVINO,
}
EXPORT_PLATFORMS = list(dict.fromkeys(platform for platform, _ in FORMATS))
EXPORT_FLAVORS = [flavor for _, flavor in FORMATS if flavor]
_NAMES = {tuple((part or "").lower() for part in name): name for name in FORMATS}
EXPORT_STATES = Words(
    "export status",
    {
        "Exporting": training_service_pb2.EXPORT_STATE_EXPORTING,
        "Done": training_service_pb2.EXPORT_STATE_DONE,
        "Failed": training_service_pb2.EXPORT_STATE_FAILED,
    },
)


class Export(ApiModel):
    """An export; ``downloadUri`` is null until it is done, ``flavor`` null for the platform's default."""

    platform: Annotated[str, Field(json_schema_extra={"enum": EXPORT_PLATFORMS})]
    status: Annotated[str, Field(json_schema_extra=EXPORT_STATES.schema)]
    download_uri: str | None
    flavor: Annotated[str | None, Field(json_schema_extra={"enum": [*EXPORT_FLAVORS, None]})]
    newer_version_available: bool


def export_name(platform: str, flavor: str | None) -> Name:
    """Returns the name of an export in the API's spelling. Raises ApiError where there is none such."""
    name = _NAMES.get((platform.lower(), (flavor or "").lower()))
    if name is None:
        known = ", ".join(f"{platform} {flavor}" if flavor else platform for platform, flavor in FORMATS)
        asked = f"{platform} {flavor or ''}".strip()[:MAX_SHOWN_CHARACTERS]
        message = f"There is no export to '{asked}'; there are {known}."
        raise ApiError("BadRequestProjectUnsupportedExportPlatform", message)
    return name


def names_of(export_format: Format) -> list[Name]:
    """Returns all names of a format, first the one that it goes by; none for a format that the API has no name for."""
    return [name for name, known in FORMATS.items() if known == export_format]
