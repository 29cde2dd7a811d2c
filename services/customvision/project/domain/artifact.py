"""An artifact: a durable file known by its digest."""

from dataclasses import dataclass

from customvision.common.errors import InvalidArgument, NotFound
from customvision.project.domain.text import checked_sha256

MAX_ARTIFACT_BYTES = 1024**3


@dataclass(frozen=True)
class Artifact:
    """``sha256`` is 64 hex digits."""

    sha256: str
    size_bytes: int

    def checked(self) -> "Artifact":
        """Returns the announced artifact, digest in lower case. Raises DigestInvalid or ArtifactSizeInvalid."""
        if not 0 <= self.size_bytes <= MAX_ARTIFACT_BYTES:
            raise ArtifactSizeInvalid(self.size_bytes)
        return Artifact(checked_sha256(self.sha256, "header.sha256"), self.size_bytes)


class ArtifactNotFound(NotFound):
    """No artifact of that digest is stored."""

    reason = "ARTIFACT_NOT_FOUND"

    def __init__(self, sha256: str) -> None:
        super().__init__("No artifact with this digest is stored; upload it again.", metadata={"sha256": sha256})


class ArtifactSizeInvalid(InvalidArgument):
    """The announced size is negative or above what one artifact may have."""

    reason = "ARTIFACT_SIZE_INVALID"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(
            f"size_bytes is {size_bytes:,}; it must be from 0 to {MAX_ARTIFACT_BYTES:,} (1 GiB).",
            metadata={"size_bytes": str(size_bytes)},
            field="header.size_bytes",
        )


class ArtifactMismatch(InvalidArgument):
    """The bytes that came are not those that were announced."""

    reason = "ARTIFACT_MISMATCH"

    def __init__(self, what: str) -> None:
        super().__init__(f"The bytes sent do not match the header's {what}; nothing was stored. Send them again.")
