"""Translates errors to gRPC statuses, in one place."""

import functools
import re

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from customvision.common import errors

ERROR_DOMAIN = "customvision"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
# C-core clients drop or corrupt trailers past 8 KiB. The message travels twice, once with three bytes for each
# byte that is not ASCII, and the details travel as base64.
MAX_MESSAGE_BYTES = 1000
MAX_METADATA_BYTES = 160
MAX_METADATA_ENTRIES = 8
MAX_FIELD_BYTES = 100
MAX_DESCRIPTION_BYTES = 200

_CODES: dict[type[errors.ServiceError], grpc.StatusCode] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.Internal: grpc.StatusCode.INTERNAL,
}


def code_of(error: errors.ServiceError) -> grpc.StatusCode:
    """Returns the status code of the error's kind."""
    return next(code for kind, code in _CODES.items() if isinstance(error, kind))


def message_of(error: errors.ServiceError) -> str:
    """Returns the error's sentence in at most 1,000 bytes, whatever of the caller's it quotes."""
    return _trim(error.message, MAX_MESSAGE_BYTES)


def status_of(error: errors.ServiceError) -> grpc.Status:
    """Returns the status for ``error``: code, message, ErrorInfo, and BadRequest and RetryInfo where they say more."""
    told = tuple(error.metadata.items())[:MAX_METADATA_ENTRIES]
    return _status(code_of(error), message_of(error), error.reason, told, error.field, error.retry_after)


# Thousands of calls may be refused at one instant, all for the same reason.
@functools.lru_cache(maxsize=64)
def _status(
    code: grpc.StatusCode,
    message: str,
    reason: str,
    metadata: tuple[tuple[str, str], ...],
    field: str,
    retry_after: float | None,
) -> grpc.Status:
    info = error_details_pb2.ErrorInfo(
        reason=reason,
        domain=ERROR_DOMAIN,
        metadata={_trim(key, MAX_FIELD_BYTES): _trim(value, MAX_METADATA_BYTES) for key, value in metadata},
    )
    details = [_pack(info)]
    if field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=_trim(field, MAX_FIELD_BYTES), description=_trim(message, MAX_DESCRIPTION_BYTES)
        )
        details.append(_pack(error_details_pb2.BadRequest(field_violations=[violation])))
    if retry_after is not None:
        details.append(_pack(error_details_pb2.RetryInfo(retry_delay=duration_of(retry_after))))
    number: int = code.value[0]
    status: grpc.Status = rpc_status.to_status(status_pb2.Status(code=number, message=message, details=details))
    return status


def duration_of(seconds: float) -> duration_pb2.Duration:
    """Returns a time as protobuf has it."""
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration


def internal_status() -> grpc.Status:
    """Returns the status of an unknown error: no text of it, only where to look."""
    info = error_details_pb2.ErrorInfo(reason="INTERNAL", domain=ERROR_DOMAIN)
    message = "Something went wrong inside the service; its log says more under the request id."
    status: grpc.Status = rpc_status.to_status(
        status_pb2.Status(code=code_pb2.INTERNAL, message=message, details=[_pack(info)])
    )
    return status


def error_from_call(error: grpc.RpcError, *, service: str) -> errors.ServiceError:
    """Returns the error that a call to another service ended with, as one of our own kinds.

    ``service`` is named where the other side could not be reached.
    """
    code, details = _code_and_details(error)
    info, retry_after = _error_info(error)
    kind = next((kind for kind, known in _CODES.items() if known == code), None)
    # UNAVAILABLE with ErrorInfo is the service's own answer; without, nobody answered.
    if info is None and code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return errors.Unavailable(
            f"The {service} service does not answer; see that it runs, then try again.", metadata={"service": service}
        )
    if kind is None or kind is errors.Internal:
        return errors.Internal(f"The {service} service failed: {details}", metadata={"service": service})
    return _with_reason(kind, details, info, retry_after)


def error_of_code(code: int, message: str) -> errors.ServiceError:
    """Returns the error that a result with this status code tells, as one of our own kinds."""
    kind = next((kind for kind, known in _CODES.items() if known.value[0] == code), errors.Internal)
    return kind(message)


def _with_reason(
    kind: type[errors.ServiceError],
    message: str,
    info: error_details_pb2.ErrorInfo | None,
    retry_after: float | None,
) -> errors.ServiceError:
    reason = info.reason if info is not None else kind.reason
    metadata = dict(info.metadata) if info is not None else {}
    forwarded = type(kind.__name__, (kind,), {"reason": reason})
    result: errors.ServiceError = forwarded(message, metadata=metadata, retry_after=retry_after)
    return result


def _code_and_details(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code(), error.details() or ""
    if isinstance(error, grpc.Call):
        return error.code(), error.details() or ""
    return grpc.StatusCode.UNKNOWN, str(error)


def _error_info(error: grpc.RpcError) -> tuple[error_details_pb2.ErrorInfo | None, float | None]:
    """Returns reason and metadata, and the seconds to wait, where the call's details have them."""
    found: error_details_pb2.ErrorInfo | None = None
    retry_after: float | None = None
    trailing = error.trailing_metadata() if isinstance(error, grpc.aio.AioRpcError | grpc.Call) else None
    for key, value in trailing or ():
        if key == STATUS_DETAILS_KEY:
            status = status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode())
            for detail in status.details:
                info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    found = info
                elif detail.Unpack(retry):
                    retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    return found, retry_after


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _trim(text: str, limit: int) -> str:
    """Returns ``text`` in at most ``limit`` bytes of UTF-8."""
    # A lone surrogate or control character would make the trailer unsendable.
    printable = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
    encoded = printable.encode()
    if len(encoded) <= limit:
        return printable
    return encoded[: limit - len("…".encode())].decode(errors="ignore") + "…"
