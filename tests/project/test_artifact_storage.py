"""Artifacts: stored by their digest, whole or not at all."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import grpc

from customvision.common.settings import Settings
from customvision.v1 import artifacts_pb2
from project_calls import Stub, all_of, refusal_of, upload_artifact

MEBIBYTE = 1024 * 1024


def _files(settings: Settings) -> list[str]:
    return [path.name for path in (settings.home / "project" / "blobs").rglob("*") if path.is_file()]


async def test_an_artifact_comes_back_as_it_was_sent(stub: Stub) -> None:
    """Several pieces in, pieces of at most 1 MiB out, the same bytes; sending it again changes nothing."""
    data = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(80_000))
    digest = hashlib.sha256(data).hexdigest()
    pieces = [data[start : start + 700_000] for start in range(0, len(data), 700_000)]
    for _ in range(2):
        artifact = await upload_artifact(stub, digest.upper(), len(data), pieces)
        assert (artifact.sha256, artifact.size_bytes) == (digest, len(data))
    chunks = await all_of(stub.GetArtifact(artifacts_pb2.GetArtifactRequest(sha256=digest)))
    assert b"".join(chunk.data for chunk in chunks) == data
    assert max(len(chunk.data) for chunk in chunks) <= MEBIBYTE


async def test_an_upload_mends_a_damaged_artifact(stub: Stub, settings: Settings) -> None:
    """A file of the right size with other bytes is replaced by what comes."""
    digest = hashlib.sha256(b"model").hexdigest()
    await upload_artifact(stub, digest, 5, [b"model"])
    (settings.home / "project" / "blobs" / digest[:2] / digest[2:]).write_bytes(b"medal")
    await upload_artifact(stub, digest, 5, [b"model"])
    [chunk] = await all_of(stub.GetArtifact(artifacts_pb2.GetArtifactRequest(sha256=digest)))
    assert chunk.data == b"model"


async def test_bytes_that_were_not_announced_leave_nothing_behind(stub: Stub, settings: Settings) -> None:
    """Too few, too many, others, too large or no digest: INVALID_ARGUMENT, and no file and no record stays."""
    data = b"model"
    digest = hashlib.sha256(data).hexdigest()
    cases = [
        (digest, 5, [b"mo", b"de"], "ARTIFACT_MISMATCH"),
        (digest, 5, [b"model", b"!"], "ARTIFACT_MISMATCH"),
        (digest, 5, [b"medal"], "ARTIFACT_MISMATCH"),
        (digest, 2**30 + 1, [data], "ARTIFACT_SIZE_INVALID"),
        (digest, -1, [data], "ARTIFACT_SIZE_INVALID"),
        ("../../keys.json", 5, [data], "DIGEST_INVALID"),
    ]
    for sha256, size_bytes, pieces, reason in cases:
        refusal = await refusal_of(upload_artifact(stub, sha256, size_bytes, pieces))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert not _files(settings)
    found = await stub.FindArtifacts(artifacts_pb2.FindArtifactsRequest(sha256s=[digest]))
    assert not found.artifacts
    request = artifacts_pb2.GetArtifactRequest(sha256=digest)
    assert (await refusal_of(all_of(stub.GetArtifact(request)))).reason == "ARTIFACT_NOT_FOUND"


async def test_a_broken_upload_leaves_nothing_behind(stub: Stub, settings: Settings) -> None:
    """A caller that goes away in the middle leaves no temporary file."""
    begun = asyncio.Event()

    async def messages() -> AsyncIterator[artifacts_pb2.UploadArtifactRequest]:
        header = artifacts_pb2.UploadArtifactHeader(sha256="a" * 64, size_bytes=2 * MEBIBYTE)
        yield artifacts_pb2.UploadArtifactRequest(header=header)
        yield artifacts_pb2.UploadArtifactRequest(data=bytes(MEBIBYTE))
        begun.set()
        await asyncio.Event().wait()

    call = stub.UploadArtifact(messages())
    await begun.wait()
    while not _files(settings):
        await asyncio.sleep(0.01)
    call.cancel()
    while _files(settings):
        await asyncio.sleep(0.01)


async def test_find_tells_which_are_stored(stub: Stub) -> None:
    """Only stored ones are answered; more than 1,000 are too many to ask for."""
    digest = hashlib.sha256(b"model").hexdigest()
    await upload_artifact(stub, digest, 5, [b"model"])
    found = await stub.FindArtifacts(artifacts_pb2.FindArtifactsRequest(sha256s=[digest, "0" * 64]))
    assert [(artifact.sha256, artifact.size_bytes) for artifact in found.artifacts] == [(digest, 5)]
    many = artifacts_pb2.FindArtifactsRequest(sha256s=["0" * 64] * 1001)
    assert (await refusal_of(stub.FindArtifacts(many))).reason == "TOO_MANY_ITEMS"


async def test_an_empty_artifact_is_an_artifact(stub: Stub) -> None:
    """No bytes are bytes too."""
    digest = hashlib.sha256(b"").hexdigest()
    assert (await upload_artifact(stub, digest, 0, [])).size_bytes == 0
    assert not await all_of(stub.GetArtifact(artifacts_pb2.GetArtifactRequest(sha256=digest)))
