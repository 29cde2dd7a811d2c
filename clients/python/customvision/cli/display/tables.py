"""Tables for people and records for programs."""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.table import Table

from customvision.cli.display.console import output, printable

WHOLE_COLUMNS = frozenset({"id", "run", "network"})


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Prints rows under headers, numbers to the right, or the sentence ``empty`` where there are none."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    listed = list(rows)
    if not listed:
        output.print(empty)
        return
    for index, header in enumerate(headers):
        numeric = all(isinstance(row[index], int | float) for row in listed)
        # What is broken over lines cannot be copied; other columns give way first.
        whole = header in WHOLE_COLUMNS
        table.add_column(header, justify="right" if numeric else "left", overflow="fold", no_wrap=whole)
    for row in listed:
        table.add_row(*(printable(cell) for cell in row))
    output.print(table)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Prints one field a line, leaving out those that are empty."""
    shown = [(name, value) for name, value in fields if value not in ("", None)]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        output.print(f"{name:<{width}}  {printable(value)}", soft_wrap=True)


def print_json(value: object) -> None:
    """Prints a value as JSON, in ASCII, so that any terminal and any program can take it."""
    output.print(json.dumps(value, indent=2), soft_wrap=True)


def record(message: Message) -> dict[str, Any]:
    """Returns a message's fields by their contract names, as JSON knows them: times as text, durations as seconds."""
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def time_of(timestamp: Timestamp) -> str:
    """Returns a time in this machine's zone, to the second; empty where it is unset."""
    if not timestamp.ByteSize():
        return ""
    return f"{timestamp.ToDatetime(tzinfo=dt.UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def enum_name(enum: Any, value: int, prefix: str) -> str:
    """Returns an enum value as a word: ``TRAINING_STATE_RUNNING`` without its prefix is ``running``."""
    return str(enum.Name(value)).removeprefix(prefix).replace("_", " ").lower()


def _field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {str(key): _value(value[key], field.message_type.fields_by_name["value"]) for key in sorted(value)}
    if field.is_repeated:
        return [_value(item, field) for item in value]
    if field.message_type is not None and not message.HasField(field.name):
        return None
    return _value(value, field)


def _value(value: Any, field: Any) -> Any:
    if isinstance(value, Timestamp):
        return value.ToJsonString()
    if isinstance(value, Duration):
        return value.ToTimedelta().total_seconds()
    if isinstance(value, Message):
        return record(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known is not None else value
    return value
