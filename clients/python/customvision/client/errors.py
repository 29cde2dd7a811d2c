"""What a caller catches: one error class, decoded from a call's status in one place."""

from collections.abc import Mapping

import grpc
from google.rpc import error_details_pb2, status_pb2

from customvision.v1 import prediction_service_pb2

STATUS_DETAILS_KEY = "grpc-status-details-bin"
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class CustomVisionError(Exception):
    """A call that did not succeed.

    ``reason`` is stable and upper snake case ("NOTHING_CHANGED"), for programs; ``message`` is a sentence for people
    that says what is wrong and what to do; ``code`` is the gRPC status; ``metadata`` has the message's variable parts;
    ``retry_after`` is after how many seconds the same call may succeed, None where the service did not say.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        code: grpc.StatusCode,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.code = code
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after

    @property
    def is_transient(self) -> bool:
        """Whether the same call may succeed later: the service was away, nothing was wrong with the request."""
        return self.code is grpc.StatusCode.UNAVAILABLE

    @property
    def is_about_image(self) -> bool:
        """Whether it is the image that cannot be used; other images may be fine."""
        return self.reason.startswith(("IMAGE_", "FILE_"))


def error_from_call(error: grpc.RpcError, *, service: str, address: str) -> CustomVisionError:
    """Returns the failure of a call to ``service`` at ``address`` as one of ours."""
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return CustomVisionError("UNKNOWN", f"The {service} service failed: {error}", grpc.StatusCode.UNKNOWN)
    code, details = error.code(), error.details() or ""
    info, retry_after = _details(error.trailing_metadata())
    if info is not None:
        return CustomVisionError(info.reason, details, code, info.metadata, retry_after)
    metadata = {"service": service, "address": address}
    if code is grpc.StatusCode.UNAVAILABLE:
        return CustomVisionError("SERVICE_UNREACHABLE", _unreachable(service, address), code, metadata)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        message = f"The {service} service at {address} did not answer in time; it may be overloaded. Try again later."
        return CustomVisionError("DEADLINE_EXCEEDED", message, code, metadata)
    return CustomVisionError(code.name, f"The {service} service at {address} failed: {details}", code, metadata)


def error_from_failure(failure: prediction_service_pb2.PredictionFailure) -> CustomVisionError:
    """Returns what a batch or a stream tells of one question as the error that a call of its own would have raised."""
    code = _CODES.get(failure.code, grpc.StatusCode.UNKNOWN)
    retry_after = failure.retry_after.ToTimedelta().total_seconds() if failure.HasField("retry_after") else None
    return CustomVisionError(failure.reason, failure.message, code, retry_after=retry_after)


def _unreachable(service: str, address: str) -> str:
    return (
        f"Nothing answers at {address}. Start the suite with `make run` or `customvision up`, "
        f"or set CUSTOMVISION_{service.upper()}_ADDRESS to where the {service} service runs."
    )


def _details(trailing: object) -> tuple[error_details_pb2.ErrorInfo | None, float | None]:
    """Returns reason and metadata, and the seconds to wait, where a call's details have them."""
    found: error_details_pb2.ErrorInfo | None = None
    retry_after: float | None = None
    for key, value in trailing if isinstance(trailing, tuple | grpc.aio.Metadata) else ():
        if key == STATUS_DETAILS_KEY:
            for detail in status_pb2.Status.FromString(value).details:
                info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    found = info
                elif detail.Unpack(retry):
                    retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    return found, retry_after
