"""Filters on metadata: what they mean, what they find in SQL, how a wrong one is told."""

import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from customvision.common.database import Connection, migrate
from customvision.project.domain.image import ImageContent, ImageFilter, ImageOrder
from customvision.project.domain.metadata_filter import (
    MAX_NESTING,
    Comparison,
    Conjunction,
    Disjunction,
    FilterInvalid,
    MetadataFilter,
    parse_metadata_filter,
)
from customvision.project.domain.text import TextTooLong
from customvision.project.store import image_lists, image_metadata, images, metadata_walks
from customvision.project.store.columns import now
from customvision.project.store.migrations import MIGRATIONS

KEYS = st.sampled_from(["a", "b", "and", "or", "EQ", "my key", "it's", "(", "ü😀", "a\x00b", ""])
VALUES = st.sampled_from(["", "1", "2", "it's", "''", "x and y", "a\x00b", "a", "% _", "😀"])
COMPARISONS = st.builds(Comparison, KEYS, VALUES, st.booleans())
FILTERS: st.SearchStrategy[MetadataFilter] = st.recursive(
    COMPARISONS,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3)
        .map(tuple)
        .flatmap(lambda terms: st.sampled_from([Conjunction(terms), Disjunction(terms)]))
    ),
    max_leaves=8,
)
METADATA = st.dictionaries(KEYS.filter(bool), VALUES, max_size=5)


def written(wanted: MetadataFilter, *, spaces: str = " ", loud: bool = False) -> str:
    """Returns a filter as its user would write it."""

    def word(text: str) -> str:
        return spaces + (text.upper() if loud else text) + spaces

    if isinstance(wanted, Comparison):
        quoted = [f"'{text.replace(chr(39), chr(39) * 2)}'" for text in (wanted.key, wanted.value)]
        plain = wanted.key in ("a", "b", "and", "or", "EQ", "ü😀") and spaces
        return f"{wanted.key if plain else quoted[0]}{word('eq' if wanted.equal else 'ne')}{quoted[1]}"
    terms = [written(term, spaces=spaces, loud=loud) for term in wanted.terms]
    terms = [text if isinstance(it, Comparison) else f"({text})" for text, it in zip(terms, wanted.terms, strict=True)]
    return word("and" if isinstance(wanted, Conjunction) else "or").join(terms)


def holds(wanted: MetadataFilter, metadata: Mapping[str, str]) -> bool:
    """Tells in the plainest way whether a filter selects an image with this metadata."""
    if isinstance(wanted, Comparison):
        return (metadata.get(wanted.key) == wanted.value) == wanted.equal
    return (all if isinstance(wanted, Conjunction) else any)(holds(term, metadata) for term in wanted.terms)


@given(FILTERS, st.sampled_from([" ", "\t\n  ", ""]), st.booleans())
def test_a_filter_is_read_as_it_was_written(wanted: MetadataFilter, spaces: str, loud: bool) -> None:
    """Whatever the keys, values, blanks and case of the words, reading gives back what was written."""
    assert parse_metadata_filter(f"{spaces}{written(wanted, spaces=spaces, loud=loud)}{spaces}") == wanted


def test_and_binds_more_closely_than_or() -> None:
    """Without parentheses 'and' goes first, on either side."""
    a, b, c = (Comparison(key, "1", equal=True) for key in "abc")
    assert parse_metadata_filter("a eq '1' or b eq '1' and c eq '1'") == Disjunction((a, Conjunction((b, c))))
    assert parse_metadata_filter("a eq '1' and b eq '1' or c eq '1'") == Disjunction((Conjunction((a, b)), c))
    assert parse_metadata_filter("((a eq '1')) and (b eq '1' or c eq '1')") == Conjunction((a, Disjunction((b, c))))


@pytest.mark.parametrize("blank", ["", "  \n"])
def test_a_blank_filter_selects_everything(blank: str) -> None:
    """No filter at all is no error."""
    assert parse_metadata_filter(blank) is None


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("split", 6, "expected 'eq' or 'ne', found the end"),
        ("split = 'test'", 7, "expected 'eq' or 'ne', found '='"),
        ("split eq test", 10, "expected a value in single quotes, found 'test'"),
        ('split eq "test"', 10, "expected a value in single quotes, found '\"test\"'"),
        ("split eq 'test", 10, "the text that begins here has no closing quote"),
        ("a eq '1' and", 13, "expected a key, found the end"),
        ("a eq '1' b eq '2'", 10, "expected 'and', 'or' or the end, found 'b'"),
        ("(a eq '1'", 10, "expected 'and', 'or' or ')', found the end"),
        ("a eq '1')", 9, "expected 'and', 'or' or the end, found ')'"),
        ("()", 2, "expected a key, found ')'"),
        ("not a eq '1'", 5, "expected 'eq' or 'ne', found 'a'"),
        (f"{'(' * 17}a eq '1'{')' * 17}", 17, "parentheses are nested more than 16 deep"),
    ],
)
def test_a_wrong_filter_is_told_where_it_is_wrong(text: str, position: int, problem: str) -> None:
    """The message says at which character what was expected; the position is for programs too."""
    with pytest.raises(FilterInvalid, match="The filter cannot be read at character") as caught:
        parse_metadata_filter(text)
    assert caught.value.metadata == {"position": str(position)}
    assert f"at character {position}: {problem}." in caught.value.message


@given(st.one_of(st.text(), st.text(alphabet="ab'() eqnor", max_size=60)))
def test_whatever_is_sent_as_a_filter_is_read_or_refused(text: str) -> None:
    """No text ends in another error, and the position told is one of the text."""
    try:
        parse_metadata_filter(text)
    except FilterInvalid as error:
        assert 1 <= int(error.metadata["position"]) <= len(text) + 1


def test_a_long_filter_is_refused() -> None:
    """1,024 characters are read, one more is not."""
    longest = "a eq '" + "x" * 1017 + "'"
    assert parse_metadata_filter(longest) == Comparison("a", "x" * 1017, equal=True)
    with pytest.raises(TextTooLong):
        parse_metadata_filter(longest + " ")


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A database with 60 images, half of another project, whose metadata each example sets anew."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    raw.execute("PRAGMA foreign_keys = ON")
    connection = Connection(raw)
    migrate(connection, MIGRATIONS, Path("memory"))
    for project_id in ("garden", "street"):
        connection.execute(
            "INSERT INTO projects (project_id, name, description, classification_type, create_time, update_time)"
            " VALUES (?, '', '', 'multilabel', ?, ?)",
            [project_id, now().isoformat(), now().isoformat()],
        )
        for number in range(30):
            content = ImageContent(1, 1, "image/jpeg", 1, f"{number:064x}", "0" * 64, "1" * 64)
            image_id = f"{project_id} {number}"
            images.insert(
                connection,
                image_id=image_id,
                project_id=project_id,
                file_name="",
                content=content,
                create_time=now(),
            )
    yield connection
    raw.close()


# The thresholds decide how a filter becomes SQL: every way must find the same.
@pytest.mark.parametrize(("many", "max_walks"), [(1, 1), (4, 20), (5000, 2)])
@settings_of(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(wanted=FILTERS, sets=st.lists(METADATA, min_size=1, max_size=8), newest=st.booleans(), skip=st.integers(0, 3))
def test_sql_finds_what_the_filter_means(
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    wanted: MetadataFilter,
    sets: list[dict[str, str]],
    newest: bool,
    skip: int,
    many: int,
    max_walks: int,
) -> None:
    """A list and a count by any filter are those of looking at each image of the project, whatever is most common."""
    monkeypatch.setattr(metadata_walks, "_MANY", many)
    monkeypatch.setattr(metadata_walks, "_MAX_WALKS", max_walks)
    connection.execute("DELETE FROM image_metadata")
    rows = list(connection.query("SELECT sequence, image_id, project_id FROM images ORDER BY sequence"))
    given_sets = dict(zip((row["image_id"] for row in rows), itertools.cycle(sets), strict=False))
    for row in rows:
        image_metadata.set_pairs(connection, row["project_id"], [row["sequence"]], given_sets[row["image_id"]])
    expected = [
        row["image_id"] for row in rows if row["project_id"] == "garden" and holds(wanted, given_sets[row["image_id"]])
    ]
    selected = ImageFilter(
        project_id="garden",
        metadata=wanted,
        order=ImageOrder.NEWEST_FIRST if newest else ImageOrder.OLDEST_FIRST,
        skip=skip,
    )
    found = image_lists.page(connection, selected, after=None, limit=100)
    assert [image.image_id for image in found] == (expected[::-1] if newest else expected)[skip:]
    assert all(dict(image.metadata) == given_sets[image.image_id] for image in found)
    assert image_lists.count(connection, selected, None) == len(expected)


@pytest.mark.parametrize("many", [1, 5000])
def test_the_largest_filters_can_be_run(connection: Connection, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    """SQLite takes what the parser takes: parentheses as deep, and comparisons as many, as a filter may have."""
    monkeypatch.setattr(metadata_walks, "_MANY", many)
    metadata = {f"k{number}": "x" for number in range(10)}
    rows = list(connection.query("SELECT sequence FROM images WHERE project_id = 'garden'"))
    image_metadata.set_pairs(connection, "garden", [row["sequence"] for row in rows], metadata)
    levels = [f"(k{level % 10} ne 'x' {'and' if level % 2 else 'or'} " for level in range(MAX_NESTING)]
    deep = "".join(levels) + "k0 eq 'x'" + ")" * MAX_NESTING
    for text in (deep, " or ".join(["k1 eq'x'"] * 78), " and ".join(["k2 eq'x'"] * 73)):
        wanted = parse_metadata_filter(text)
        assert wanted is not None
        selected = ImageFilter(project_id="garden", metadata=wanted)
        assert image_lists.count(connection, selected, None) == (30 if holds(wanted, metadata) else 0)
