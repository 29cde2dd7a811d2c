"""Projects in JSON."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from pydantic import Field

from customvision.gateway.rest.fields import time_text
from customvision.gateway.rest.models.base import ApiModel, Time
from customvision.gateway.rest.words import Words
from customvision.v1 import projects_pb2

CLASSIFICATION_TYPES = Words(
    "classification type",
    {
        "Multiclass": projects_pb2.CLASSIFICATION_TYPE_MULTICLASS,
        "Multilabel": projects_pb2.CLASSIFICATION_TYPE_MULTILABEL,
    },
    code="BadRequestProjectUnknownClassification",
)
# All that the API knows, also those that nothing can be exported to here: projects that say so keep saying it.
TARGET_EXPORT_PLATFORMS = Words(
    "target export platform",
    {word: word for word in ("CoreML", "TensorFlow", "DockerFile", "ONNX", "VAIDK", "OpenVino")},
    code="BadRequestProjectUnsupportedExportPlatform",
)
PROJECT_STATUSES = Words(
    "project status",
    {
        "Succeeded": projects_pb2.PROJECT_STATUS_SUCCEEDED,
        "Importing": projects_pb2.PROJECT_STATUS_IMPORTING,
        "Failed": projects_pb2.PROJECT_STATUS_FAILED,
    },
)
ClassificationWord = Annotated[str, Field(json_schema_extra=CLASSIFICATION_TYPES.schema)]
TargetExportPlatform = Annotated[str, Field(json_schema_extra=TARGET_EXPORT_PLATFORMS.schema)]
# How a project's photos are varied while it learns cannot be chosen; clients are told what they always were told.
AUGMENTATION_METHODS = (
    "rotation",
    "scaling",
    "translation",
    "horizontal flip",
    "equalize",
    "solarize",
    "padtosquare",
)
# An import copies files on the same disk: a second for the rows, and some milliseconds an image.
IMPORT_MILLISECONDS, IMPORT_MILLISECONDS_AN_IMAGE = 1000, 5


class ImageProcessingSettings(ApiModel):
    """Kept for clients that read it; it cannot be chosen."""

    augmentation_methods: dict[str, bool]


class ProjectSettings(ApiModel):
    """The settings of a project."""

    domain_id: UUID
    classification_type: ClassificationWord
    target_export_platforms: list[str]
    use_negative_set: bool
    detection_parameters: str | None
    image_processing_settings: ImageProcessingSettings


class Project(ApiModel):
    """A project; ``thumbnailUri`` is null until it has an image."""

    id: UUID
    name: str
    description: str | None
    settings: ProjectSettings
    created: Time
    last_modified: Time
    thumbnail_uri: str | None
    dr_mode_enabled: bool
    status: Annotated[str, Field(json_schema_extra=PROJECT_STATUSES.schema)]


class CreateProjectOptions(ApiModel):
    """Accepted from clients that send it, without effect: nothing is written to another service's storage."""

    export_model_container_uri: str | None = None
    notification_queue_uri: str | None = None


class ProjectSettingsChange(ApiModel):
    """What PATCH may change of the settings; what is left out stays."""

    domain_id: UUID | None = None
    classification_type: ClassificationWord | None = None
    target_export_platforms: list[TargetExportPlatform] | None = None


class ProjectChange(ApiModel):
    """What PATCH may change; what is left out stays."""

    name: str | None = None
    description: str | None = None
    settings: ProjectSettingsChange | None = None


class ProjectExport(ApiModel):
    """What ImportProject needs to copy a project, and what the copy will hold."""

    iteration_count: int
    image_count: int
    tag_count: int
    region_count: int
    estimated_import_time_in_ms: Annotated[int, Field(alias="estimatedImportTimeInMS")]
    token: str


def project_of(project: projects_pb2.Project, thumbnail_uri: str | None) -> Project:
    """Returns a project as the API tells it."""
    # Other words come over gRPC only; a client that sends back what it reads must not be refused for them.
    known = filter(TARGET_EXPORT_PLATFORMS.knows, project.target_export_platforms)
    return Project(
        id=UUID(project.project_id),
        name=project.name,
        description=project.description or None,
        settings=ProjectSettings(
            domain_id=UUID(project.domain_id),
            classification_type=CLASSIFICATION_TYPES.word(project.classification_type),
            target_export_platforms=export_platforms(known),
            use_negative_set=True,
            detection_parameters=None,
            image_processing_settings=ImageProcessingSettings(
                augmentation_methods=dict.fromkeys(AUGMENTATION_METHODS, True)
            ),
        ),
        created=time_text(project.create_time),
        last_modified=time_text(project.update_time),
        thumbnail_uri=thumbnail_uri,
        dr_mode_enabled=False,
        status=PROJECT_STATUSES.word(project.status or projects_pb2.PROJECT_STATUS_SUCCEEDED),
    )


def export_platforms(words: Iterable[str]) -> list[str]:
    """Returns the platforms that words name, each once, in the API's spelling. Raises ApiError where one names none."""
    return list(dict.fromkeys(map(TARGET_EXPORT_PLATFORMS.meaning, words)))


def project_export_of(export: projects_pb2.ProjectExport) -> ProjectExport:
    """Returns the token of a copy as the API tells it."""
    return ProjectExport(
        iteration_count=export.iteration_count,
        image_count=export.image_count,
        tag_count=export.tag_count,
        region_count=0,
        estimated_import_time_in_ms=IMPORT_MILLISECONDS + IMPORT_MILLISECONDS_AN_IMAGE * export.image_count,
        token=export.token,
    )
