"""How single values travel: ids, times, lists with commas."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from customvision.gateway.api_errors import ApiError


def time_text(time: Timestamp) -> str:
    """Returns a time as ISO 8601 in UTC with milliseconds and Z."""
    return moment_text(time.ToDatetime(tzinfo=UTC))


def moment_text(moment: datetime) -> str:
    """Returns a time that has a zone as ISO 8601 in UTC with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp(time: datetime) -> Timestamp:
    """Returns a time of a request, which without a zone is in UTC. Raises ApiError outside of the years 1 to 9999."""
    found = Timestamp()
    try:
        found.FromDatetime(time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise ApiError("BadRequestInvalid", f"The time {time} is not within the years 1 to 9999.") from error
    return found


def ids(text: str | None, name: str, limit: int) -> list[str]:
    """Returns the ids in ``text``, which are parted by commas; ``name`` is the parameter's.

    Raises ApiError where one is no UUID, or there are more than ``limit``.
    """
    found = [part.strip() for part in (text or "").split(",") if part.strip()]
    check_batch(found, name, limit)
    try:
        return [str(UUID(each)) for each in found]
    except ValueError as error:
        raise ApiError("BadRequestInvalidIds", f"'{name}' holds what is no id; ids are UUIDs.") from error


def check_batch(entries: Sequence[object], name: str, limit: int) -> None:
    """Raises ApiError where a batch has more than ``limit`` entries."""
    if len(entries) > limit:
        message = f"'{name}' has {len(entries)} entries; one call takes {limit} at most. Make several calls."
        raise ApiError("BadRequestExceededBatchSize", message)
