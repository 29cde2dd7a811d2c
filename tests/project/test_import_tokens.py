"""Tokens of copies: they open one project for a day, and nothing else does."""

import base64
import secrets
import uuid
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customvision.project.domain.import_token import (
    LIFETIME,
    ImportTokenExpired,
    ImportTokenInvalid,
    project_of_token,
    sealed_token,
)
from customvision.project.use_cases import project_copies
from customvision.v1 import projects_pb2
from project_calls import Stub, make_project, refusal_of
from project_copying import begin_copy, token_of

SECRET = secrets.token_bytes(32)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PROJECT_ID = "5f6dcfd5-c3d5-4c5c-9a7e-0d9d3f5a8b1c"


@given(st.uuids(), st.integers(0, 30_000_000_000))
def test_a_token_opens_its_project_until_it_expires(project_id: uuid.UUID, expires: int) -> None:
    """Before its end it names the project, from then on it is refused as expired; it needs no escaping in a URL."""
    expire_time = datetime.fromtimestamp(expires, UTC)
    token = sealed_token(SECRET, str(project_id), expire_time)
    assert token.replace("-", "").replace("_", "").isalnum()
    assert project_of_token(SECRET, token, expire_time - timedelta(seconds=1)) == str(project_id)
    with pytest.raises(ImportTokenExpired):
        project_of_token(SECRET, token, expire_time)
    with pytest.raises(ImportTokenInvalid):
        project_of_token(b"another" * 5, token, expire_time - timedelta(seconds=1))


@given(st.integers(0, 75), st.sampled_from("ABCxyz019-_"))
@settings(max_examples=300)
def test_a_token_with_one_character_changed_is_no_token(place: int, character: str) -> None:
    """Whatever is changed in it, the seal does not fit."""
    token = sealed_token(SECRET, PROJECT_ID, NOW + LIFETIME)
    changed = token[:place] + character + token[place + 1 :]
    if changed != token:
        with pytest.raises(ImportTokenInvalid):
            project_of_token(SECRET, changed, NOW)


@given(
    st.one_of(st.text(max_size=200), st.binary(max_size=120).map(lambda data: base64.urlsafe_b64encode(data).decode()))
)
def test_no_other_text_is_a_token(text: str) -> None:
    """Empty, cut, padded, of any script: refused as invalid, never with another error."""
    with pytest.raises(ImportTokenInvalid):
        project_of_token(SECRET, text, NOW)


async def test_tokens_are_refused_on_the_wire(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged one and an expired one are INVALID_ARGUMENT on the field, each with its reason, and nothing is made."""
    project_id = (await make_project(stub)).project_id
    token = await token_of(stub, project_id)
    for damaged in ("", token[:-1], token + "A", token.lower(), "x" * 100_000):
        refusal = await refusal_of(begin_copy(stub, damaged))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IMPORT_TOKEN_INVALID"), damaged
        assert refusal.fields == ["token"]
    monkeypatch.setattr(project_copies, "LIFETIME", timedelta(seconds=-1))
    refusal = await refusal_of(begin_copy(stub, await token_of(stub, project_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IMPORT_TOKEN_EXPIRED")
    assert len((await stub.ListProjects(projects_pb2.ListProjectsRequest())).projects) == 1


async def test_a_token_tells_when_it_expires(stub: Stub) -> None:
    """A day from now."""
    project_id = (await make_project(stub)).project_id
    export = await stub.ExportProject(projects_pb2.ExportProjectRequest(project_id=project_id))
    left = export.expire_time.ToDatetime(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= LIFETIME
