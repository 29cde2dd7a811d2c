"""Copies rows within a table, with all columns that it has, also those that a later version adds."""

from typing import Any

from customvision.common.database import Connection


def copy_rows(connection: Connection, table: str, source: str, parameters: dict[str, Any], **replaced: str) -> int:
    """Adds copies of rows of ``table`` and returns the sequence of the last.

    ``source`` is SQL that chooses rows ``s``: joins, WHERE, ORDER BY. A column in ``replaced`` gets the value of that
    expression, ``sequence`` a new one, every other column what the row has.
    """
    columns = [column.name for column in connection[table].columns if column.name != "sequence"]
    values = [replaced.get(column, f"s.{column}") for column in columns]
    cursor = connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} s {source}",  # noqa: S608
        parameters,
    )
    return cursor.lastrowid or 0
