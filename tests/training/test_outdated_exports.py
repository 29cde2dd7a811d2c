"""Which kept exports may go: by the time they were last asked for, and by the room that they take."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from customvision.training.export.export_format import ExportFormat
from customvision.training.export.kept_export import KEPT_FOR, ExportState, KeptExport, outdated

NOW = datetime(2026, 7, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def export(sequence: int, hours: float, size_bytes: int = 1, state: ExportState = ExportState.DONE) -> KeptExport:
    """Returns an export that was last asked for so many hours ago."""
    asked = NOW - hours * HOUR
    return KeptExport(
        "project", f"{sequence}", ExportFormat.ONNX, "e.zip", asked, asked, sequence, state, size_bytes=size_bytes
    )


def gone(exports: list[KeptExport], max_bytes: int = 1000) -> set[int]:
    """Returns the numbers of those that may go."""
    return {export.sequence for export in outdated(exports, NOW, max_bytes=max_bytes)}


def test_a_day_after_it_was_asked_for() -> None:
    """An export stays for a day; one that failed goes then, too, and one that is being made stays however long."""
    exports = [
        export(1, 23.9),
        export(2, 24.1),
        export(3, 24.1, state=ExportState.FAILED),
        export(4, 99, state=ExportState.EXPORTING),
    ]
    assert gone(exports) == {2, 3}


def test_those_asked_for_longest_ago_make_room() -> None:
    """Beyond the bound those go that nobody asked for for longest, whenever they were made."""
    exports = [export(1, 1, 400), export(2, 3, 400), export(3, 2, 400)]
    assert gone(exports, 1200) == set()
    assert gone(exports, 1199) == {2}
    assert gone(exports, 500) == {2, 3}


def test_of_those_listed_together_the_newer_stays() -> None:
    """Exports that were last asked for at the same moment make room in the order in which they were started."""
    assert gone([export(2, 1, 400), export(1, 1, 400)], 500) == {1}


def test_the_last_one_asked_for_stays_however_large() -> None:
    """An export larger than the bound can still be read."""
    assert gone([export(1, 1, 5000), export(2, 2, 1)], 1000) == {2}


@given(st.lists(st.tuples(st.floats(0, 48), st.integers(0, 500))), st.integers(1, 2000))
def test_what_stays_is_young_and_fits(made: list[tuple[float, int]], max_bytes: int) -> None:
    """Of any exports, those that stay were asked for within a day and fit, but for a single one."""
    exports = [export(number, hours, size) for number, (hours, size) in enumerate(made)]
    outdated_ones = gone(exports, max_bytes)
    stay = [export for export in exports if export.sequence not in outdated_ones]
    assert all(NOW - export.asked_time <= KEPT_FOR for export in stay)
    assert len(stay) <= 1 or sum(export.size_bytes for export in stay) <= max_bytes
