"""Checks of request fields that all calls share."""

from customvision.common.errors import InvalidArgument


class FieldMissing(InvalidArgument):
    """A field that the call needs is empty."""

    reason = "FIELD_MISSING"


def required(field: str, value: str) -> str:
    """Returns ``value``. Raises FieldMissing where it is empty."""
    if not value:
        raise FieldMissing(f"{field} is empty; the call needs it.", metadata={"field": field}, field=field)
    return value
