"""What the project service tells about published models."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class ModelName:
    """What a caller asks for: a publish name is unique in its project only."""

    project_id: str
    publish_name: str


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """An iteration that shall answer under a name, and the SHA-256 digests of its two artifacts."""

    name: ModelName
    iteration_id: str
    model_sha256: str
    backbone_sha256: str

    @property
    def digests(self) -> set[str]:
        """The digests of the files that it needs."""
        return {self.model_sha256, self.backbone_sha256}


@dataclass(frozen=True)
class Unpublished:
    """Nothing answers under this name any more."""

    name: ModelName


@dataclass(frozen=True)
class Synchronized:
    """All that is published has been told; what follows are changes."""


PublicationChange = PublishedModel | Unpublished | Synchronized
