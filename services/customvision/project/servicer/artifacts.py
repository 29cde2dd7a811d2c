"""The calls about artifacts."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from customvision.common.opening_stream import OpeningStream
from customvision.project.domain.artifact import Artifact
from customvision.project.use_cases.artifacts import Artifacts
from customvision.v1 import artifacts_pb2


class ArtifactMethods:
    """Translates the calls about artifacts."""

    _artifacts: Artifacts

    async def UploadArtifact(
        self, request_iterator: AsyncIterator[artifacts_pb2.UploadArtifactRequest], context: Any
    ) -> artifacts_pb2.Artifact:
        """Stores a file by its digest."""
        stream: OpeningStream[artifacts_pb2.UploadArtifactRequest] = OpeningStream(request_iterator, "data")
        header = (await stream.header()).header
        pieces = (message.data async for message in stream.rest())
        return _message(await self._artifacts.upload(Artifact(header.sha256, header.size_bytes), pieces))

    async def FindArtifacts(
        self, request: artifacts_pb2.FindArtifactsRequest, context: Any
    ) -> artifacts_pb2.FindArtifactsResponse:
        """Tells which artifacts are stored."""
        found = await self._artifacts.find(list(request.sha256s))
        return artifacts_pb2.FindArtifactsResponse(artifacts=map(_message, found))

    async def GetArtifact(
        self, request: artifacts_pb2.GetArtifactRequest, context: Any
    ) -> AsyncIterator[artifacts_pb2.ArtifactChunk]:
        """Streams an artifact's bytes."""
        async with aclosing(self._artifacts.read(request.sha256)) as pieces:
            async for piece in pieces:
                yield artifacts_pb2.ArtifactChunk(data=piece)


def _message(artifact: Artifact) -> artifacts_pb2.Artifact:
    return artifacts_pb2.Artifact(sha256=artifact.sha256, size_bytes=artifact.size_bytes)
