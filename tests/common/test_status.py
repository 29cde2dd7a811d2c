"""Errors as gRPC statuses, and back."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from customvision.common import errors
from customvision.common.status import STATUS_DETAILS_KEY, code_of, error_of_code, internal_status, status_of

KINDS = [
    (errors.InvalidArgument, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.NotFound, grpc.StatusCode.NOT_FOUND),
    (errors.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (errors.FailedPrecondition, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.OutOfRange, grpc.StatusCode.OUT_OF_RANGE),
    (errors.ResourceExhausted, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.DeadlineExceeded, grpc.StatusCode.DEADLINE_EXCEEDED),
    (errors.Unavailable, grpc.StatusCode.UNAVAILABLE),
    (errors.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (errors.PermissionDenied, grpc.StatusCode.PERMISSION_DENIED),
]


class TagMissing(errors.NotFound):
    """A cause with a reason of its own."""

    reason = "TAG_MISSING"


def details_of(status: grpc.Status) -> tuple[bytes, status_pb2.Status]:
    """Returns the trailer and what it holds."""
    trailer: Any = dict(status.trailing_metadata)[STATUS_DETAILS_KEY]
    return trailer, status_pb2.Status.FromString(trailer)


@pytest.mark.parametrize(("kind", "code"), KINDS)
def test_each_kind_has_its_code(kind: type[errors.ServiceError], code: grpc.StatusCode) -> None:
    """Kinds and what derives from them map to one code each."""
    derived = type("Derived", (kind,), {"reason": "DERIVED"})
    assert code_of(kind("x")) == code_of(derived("x")) == code


def test_carries_reason_metadata_and_field() -> None:
    """A program reads the cause from ErrorInfo and the field from BadRequest."""
    status = status_of(TagMissing("There is no tag 'dahlia'.", metadata={"tag": "dahlia"}, field="tag_id"))
    _, details = details_of(status)
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert details.details[0].Unpack(info)
    assert details.details[1].Unpack(bad_request)
    assert (status.code, status.details) == (grpc.StatusCode.NOT_FOUND, "There is no tag 'dahlia'.")
    assert (info.reason, info.domain, dict(info.metadata)) == ("TAG_MISSING", "customvision", {"tag": "dahlia"})
    assert bad_request.field_violations[0].field == "tag_id"


def test_says_when_to_come_back() -> None:
    """The time after which a call may succeed travels as RetryInfo, and only where there is one."""
    _, details = details_of(status_of(errors.ResourceExhausted("Full.", retry_after=1.25)))
    retry = error_details_pb2.RetryInfo()
    assert details.details[1].Unpack(retry)
    assert retry.retry_delay.ToTimedelta().total_seconds() == 1.25
    assert len(details_of(status_of(errors.ResourceExhausted("Full.")))[1].details) == 1


anything = st.text(st.characters(exclude_categories=())) | st.just("\U0001f33c" * 2000)


@given(anything, st.dictionaries(anything, anything), anything)
def test_stays_below_six_kilobytes_whatever_users_wrote(message: str, metadata: dict[str, str], field: str) -> None:
    """Names of any length and script, lone surrogates and control characters make a status that can be sent."""
    status = status_of(errors.InvalidArgument(message, metadata=metadata, field=field))
    trailer, details = details_of(status)
    assert len(trailer) < 6 * 1024
    assert len(status.details.encode()) <= 1000
    assert details.message == status.details


def test_worst_metadata_stays_below_six_kilobytes() -> None:
    """Fifty long entries in four-byte characters are trimmed."""
    long = "\U0001f33c" * 5000
    metadata = {f"{number}{long}": long for number in range(50)}
    error = errors.NotFound(long, metadata=metadata, field=long, retry_after=1e9 / 7)
    trailer, _ = details_of(status_of(error))
    assert len(trailer) < 6 * 1024


@pytest.mark.parametrize(("kind", "code"), KINDS)
def test_a_code_in_a_result_is_read_as_the_kind_that_it_stands_for(
    kind: type[errors.ServiceError], code: grpc.StatusCode
) -> None:
    """What became of one entry of a batch is the error that a call of its own would have ended with."""
    error = error_of_code(code.value[0], "It is not there.")
    assert (type(error), error.message, code_of(error)) == (kind, "It is not there.", code)


@pytest.mark.parametrize("number", [2, 13, 15, 99])
def test_a_code_that_nobody_raises_is_an_error_of_the_other_side(number: int) -> None:
    """UNKNOWN, INTERNAL, DATA_LOSS and numbers that stand for nothing are no fault of the caller's."""
    assert isinstance(error_of_code(number, ""), errors.Internal)


def test_an_unknown_error_tells_nothing_of_itself() -> None:
    """INTERNAL says where to look and has a reason that programs know."""
    status = internal_status()
    info = error_details_pb2.ErrorInfo()
    assert details_of(status)[1].details[0].Unpack(info)
    assert (status.code, info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
