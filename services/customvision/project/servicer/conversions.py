"""What every noun's conversions share. Domain enums have the members of the contract's, unprefixed."""

import enum
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from google.protobuf import duration_pb2, timestamp_pb2

from customvision.common.errors import InvalidArgument

Member = TypeVar("Member", bound=enum.Enum)


class EnumValueInvalid(InvalidArgument):
    """A field of an enum holds a number that the contract does not name, or the unspecified one where it must not."""

    reason = "ENUM_VALUE_INVALID"


class TimeInvalid(InvalidArgument):
    """A timestamp is none of the years 1 to 9999."""

    reason = "TIME_INVALID"


def timestamp_of(time: datetime | None) -> timestamp_pb2.Timestamp | None:
    """Returns a protobuf timestamp; None stays None, which leaves the field unset."""
    if time is None:
        return None
    timestamp = timestamp_pb2.Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def time_of(timestamp: timestamp_pb2.Timestamp, field: str) -> datetime:
    """Returns the time that a protobuf timestamp means, in UTC, in whole microseconds. Raises TimeInvalid."""
    try:
        return timestamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise TimeInvalid(f"{field} is no time from year 1 to 9999; send seconds since 1970.", field=field) from error


def duration_of(span: timedelta | None) -> duration_pb2.Duration | None:
    """Returns a protobuf duration; None stays None, which leaves the field unset."""
    if span is None:
        return None
    duration = duration_pb2.Duration()
    duration.FromTimedelta(span)
    return duration


def span_of(duration: duration_pb2.Duration) -> timedelta:
    """Returns how long a protobuf duration is, at most what a timedelta can hold."""
    try:
        return duration.ToTimedelta()
    except OverflowError:
        return timedelta.max if duration.seconds > 0 else timedelta.min


def member_of(kind: type[Member], proto_enum: Any, value: int, *, field: str, default: Member | None = None) -> Member:
    """Returns the domain's member for a protobuf enum value; 0 is ``default``. Raises EnumValueInvalid."""
    if value == 0 and default is not None:
        return default
    name = proto_enum.DESCRIPTOR.values_by_number.get(value)
    if value == 0 or name is None:
        allowed = ", ".join(member.name for member in kind)
        raise EnumValueInvalid(f"{field} is {value}, which stands for nothing; choose one of {allowed}.", field=field)
    return kind[name.name.removeprefix(_prefix(proto_enum))]


def value_of(proto_enum: Any, member: enum.Enum) -> Any:
    """Returns the protobuf enum value of a domain member."""
    return proto_enum.Value(_prefix(proto_enum) + member.name)


def _prefix(proto_enum: Any) -> str:
    unspecified: str = proto_enum.DESCRIPTOR.values_by_number[0].name
    return unspecified.removesuffix("UNSPECIFIED")
