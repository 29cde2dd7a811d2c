"""What lists and counts of images select, in SQL, against looking at each image."""

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from customvision.common.database import Connection, migrate
from customvision.project.domain.image import ImageContent, ImageFilter, ImageOrder, TaggingStatus
from customvision.project.domain.metadata_filter import MAX_NESTING, MetadataFilter, parse_metadata_filter
from customvision.project.domain.tag import TagType
from customvision.project.store import image_lists, image_metadata, images, metadata_walks, tags
from customvision.project.store.columns import now
from customvision.project.store.migrations import MIGRATIONS
from metadata_filters import FILTERS, METADATA, holds

IMAGE_COUNT = 30
ITERATION = 1
ALL, TAGGED, UNTAGGED = TaggingStatus.ALL, TaggingStatus.TAGGED, TaggingStatus.UNTAGGED


def current_tags(number: int) -> set[str]:
    """Returns the tags that an image of the garden carries now: every seventh was deleted, one lost, one got a tag."""
    if number % 7 == 0:
        return set()
    return (frozen_tags(number) - ({"blue"} if number == 9 else set())) | ({"red"} if number == 5 else set())


def frozen_tags(number: int) -> set[str]:
    """Returns the tags that an image of the garden carried when the iteration was frozen."""
    return {name for name, every in (("red", 2), ("blue", 3)) if number % every == 0}


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A database with the images of a garden and as many of a street, whose metadata each example sets anew."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    raw.execute("PRAGMA foreign_keys = ON")
    connection = Connection(raw)
    migrate(connection, MIGRATIONS, Path("memory"))
    for project_id in ("garden", "street"):
        _add_project(connection, project_id)
    connection.execute(
        "INSERT INTO iterations (iteration_id, project_id, name, number, status, training_type, classification_type,"
        " create_time, image_count, data_set_fingerprint)"
        " VALUES ('i', 'garden', 'i', 1, 'completed', 'quick', '', ?, 0, '')",
        [now().isoformat()],
    )
    connection.execute(
        "INSERT INTO iteration_tags SELECT 1, sequence, tag_id, name, '', type, 0, create_time FROM tags"
    )
    for number in range(IMAGE_COUNT):
        [image] = images.find_several(connection, "garden", [str(number)])
        known = tags.find_several(connection, "garden", ["red", "blue"])
        images.add_tags(connection, [image.sequence], [known[name] for name in frozen_tags(number)], now())
        connection.execute(
            "INSERT INTO iteration_images SELECT 1, image, tag, create_time FROM image_tags WHERE image = ?",
            [image.sequence],
        )
        if number % 7 == 0:
            images.delete(connection, "garden", [str(number)], all_iterations=False)
            continue
        images.remove_tags(connection, [image.sequence], [known[name] for name in frozen_tags(number)])
        images.add_tags(connection, [image.sequence], [known[name] for name in current_tags(number)], now())
    yield connection
    raw.close()


def _add_project(connection: Connection, project_id: str) -> None:
    connection.execute(
        "INSERT INTO projects (project_id, name, description, classification_type, create_time, update_time)"
        " VALUES (?, '', '', 'multilabel', ?, ?)",
        [project_id, now().isoformat(), now().isoformat()],
    )
    garden = project_id == "garden"
    for name in ("red", "blue") if garden else ():
        tags.insert(
            connection,
            tag_id=name,
            project_id=project_id,
            name=name,
            description="",
            type=TagType.REGULAR,
            create_time=now(),
            request_id=None,
            request_fingerprint="",
        )
    for number in range(IMAGE_COUNT):
        image_id = str(number) if garden else f"{project_id} {number}"
        content = ImageContent(1, 1, "image/jpeg", 1, f"{number:064x}", "0" * 64, "1" * 64)
        images.insert(
            connection, image_id=image_id, project_id=project_id, file_name="", content=content, create_time=now()
        )


FILTERS_OF_IMAGES = st.builds(
    ImageFilter,
    project_id=st.just("garden"),
    tag_ids=st.sampled_from([(), ("red",), ("blue",), ("blue", "red"), ("gone",), ("gone", "red")]),
    tagging_status=st.sampled_from([ALL, ALL, TAGGED, UNTAGGED]),
    metadata=st.one_of(st.none(), FILTERS, FILTERS),
    image_ids=st.sampled_from([(), (), tuple(map(str, range(3, 25))), ("7", "12", "street 12", "gone")]),
    order=st.sampled_from(ImageOrder),
    skip=st.integers(0, 3),
)


def _expected(selected: ImageFilter, metadata: Sequence[dict[str, str]], *, frozen: bool) -> list[str]:
    """Returns the ids of the images selected, in order of creation."""
    found = []
    for number in range(IMAGE_COUNT):
        carried = frozen_tags(number) if frozen else current_tags(number)
        there = bool(carried) if frozen else number % 7 != 0
        tagged = selected.tagging_status is ALL or bool(carried) == (selected.tagging_status is TAGGED)
        with_tag = not selected.tag_ids or not carried.isdisjoint(selected.tag_ids)
        matching = selected.metadata is None or holds(selected.metadata, metadata[number])
        named = not selected.image_ids or str(number) in selected.image_ids
        if there and tagged and with_tag and matching and named:
            found.append(str(number))
    return found


# The thresholds decide how a filter becomes SQL: every way must find the same.
@pytest.mark.parametrize(("many", "max_walks"), [(1, 1), (4, 20), (5000, 2)])
@settings_of(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(selected=FILTERS_OF_IMAGES, sets=st.lists(METADATA, min_size=1, max_size=8), frozen=st.booleans())
def test_sql_selects_what_the_filter_means(
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    selected: ImageFilter,
    sets: list[dict[str, str]],
    frozen: bool,
    many: int,
    max_walks: int,
) -> None:
    """Lists and counts, current or frozen, are those of looking at each image, whatever is rare and what is common."""
    monkeypatch.setattr(metadata_walks, "_MANY", many)
    monkeypatch.setattr(metadata_walks, "_MAX_WALKS", max_walks)
    metadata = list(itertools.islice(itertools.cycle(sets), IMAGE_COUNT))
    _set_metadata(connection, metadata)
    expected = _expected(selected, metadata, frozen=frozen)
    in_order = expected[::-1] if selected.order is ImageOrder.NEWEST_FIRST else expected
    if frozen:
        found = image_lists.iteration_page(connection, ITERATION, selected, after=None, limit=100)
    else:
        found = image_lists.page(connection, selected, after=None, limit=100)
    assert [image.image_id for image in found] == in_order[selected.skip :]
    if len(found) > 1 and not frozen:
        assert image_lists.page(connection, selected, after=found[0].sequence, limit=100) == found[1:]
    assert image_lists.count(connection, selected, ITERATION if frozen else None) == len(expected)
    for image in found:
        number = int(image.image_id)
        assert dict(image.metadata) == metadata[number]
        assert set(image.tag_ids) == (frozen_tags(number) if frozen else current_tags(number))


def _set_metadata(connection: Connection, metadata: Sequence[dict[str, str]]) -> None:
    """Gives the images of the garden this metadata, and all those of the street what the first has."""
    connection.execute("DELETE FROM image_metadata")
    for row in connection.query("SELECT sequence, image_id, project_id FROM images"):
        pairs = metadata[int(row["image_id"])] if row["project_id"] == "garden" else metadata[0]
        image_metadata.set_pairs(connection, row["project_id"], [row["sequence"]], pairs)


@pytest.mark.parametrize("many", [1, 5000])
def test_the_largest_filters_can_be_run(connection: Connection, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    """SQLite takes what the parser takes: parentheses as deep, and comparisons as many, as a filter may have."""
    monkeypatch.setattr(metadata_walks, "_MANY", many)
    metadata = {f"k{number}": "x" for number in range(10)}
    _set_metadata(connection, [metadata] * IMAGE_COUNT)
    there = sum(number % 7 != 0 for number in range(IMAGE_COUNT))
    levels = [f"(k{level % 10} ne 'x' {'and' if level % 2 else 'or'} " for level in range(MAX_NESTING)]
    deep = "".join(levels) + "k0 eq 'x'" + ")" * MAX_NESTING
    for text in (deep, " or ".join(["k1 eq'x'"] * 78), " and ".join(["k2 eq'x'"] * 73)):
        wanted: MetadataFilter | None = parse_metadata_filter(text)
        assert wanted is not None
        selected = ImageFilter(project_id="garden", metadata=wanted)
        assert image_lists.count(connection, selected, None) == (there if holds(wanted, metadata) else 0)
