"""Remembers what names exports were asked for under: the services know one format where the API has several names."""

from collections import OrderedDict

from customvision.gateway.rest.models.exports import Format, Name, names_of

MAX_REMEMBERED = 10_000


class ExportNames:
    """The names that each iteration's exports go by.

    They are forgotten when the gateway ends, and the oldest where there are too many; then an export goes by all names
    of its format, so that whoever waits for one of them finds it.
    """

    def __init__(self) -> None:
        self._asked: OrderedDict[tuple[str, Format], list[Name]] = OrderedDict()

    def remember(self, iteration_id: str, export_format: Format, name: Name) -> None:
        """Notes that the export was asked for under ``name``."""
        names = self._asked.setdefault((iteration_id, export_format), [])
        if name not in names:
            names.append(name)
        self._asked.move_to_end((iteration_id, export_format))
        if len(self._asked) > MAX_REMEMBERED:
            self._asked.popitem(last=False)

    def of(self, iteration_id: str, export_format: Format) -> list[Name]:
        """Returns the names to tell the export under."""
        return self._asked.get((iteration_id, export_format)) or names_of(export_format)
