"""Hands artifacts to the project service; what it has already does not travel."""

from collections.abc import Iterator

from customvision.common.channel import CALL_SECONDS
from customvision.training.computation.project_calls import patiently
from customvision.v1 import artifacts_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub

PIECE_BYTES = 1024 * 1024


def missing_artifacts(project: ProjectServiceStub, digests: list[str]) -> list[str]:
    """Returns those of ``digests`` that the project service has no artifact of."""
    request = artifacts_pb2.FindArtifactsRequest(sha256s=digests)
    found = patiently(lambda: project.FindArtifacts(request, timeout=CALL_SECONDS)).artifacts
    known = {artifact.sha256 for artifact in found}
    return [digest for digest in digests if digest not in known]


def upload_artifact(project: ProjectServiceStub, digest: str, data: bytes) -> None:
    """Stores ``data`` in the project service under its digest."""
    patiently(lambda: project.UploadArtifact(_messages(digest, data), timeout=10 * CALL_SECONDS))


def _messages(digest: str, data: bytes) -> Iterator[artifacts_pb2.UploadArtifactRequest]:
    header = artifacts_pb2.UploadArtifactHeader(sha256=digest, size_bytes=len(data))
    yield artifacts_pb2.UploadArtifactRequest(header=header)
    for start in range(0, len(data), PIECE_BYTES):
        yield artifacts_pb2.UploadArtifactRequest(data=data[start : start + PIECE_BYTES])
