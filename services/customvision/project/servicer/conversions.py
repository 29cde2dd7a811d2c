"""What every noun's conversions share: times and enums. Domain enums have the members of the contract's, unprefixed."""

import enum
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf import timestamp_pb2

from customvision.common.errors import InvalidArgument

Member = TypeVar("Member", bound=enum.Enum)


class EnumValueInvalid(InvalidArgument):
    """A field of an enum holds a number that the contract does not name, or the unspecified one where it must not."""

    reason = "ENUM_VALUE_INVALID"


def timestamp_of(time: datetime | None) -> timestamp_pb2.Timestamp | None:
    """Returns a protobuf timestamp; None stays None, which leaves the field unset."""
    if time is None:
        return None
    timestamp = timestamp_pb2.Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


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
