"""Filters on metadata: how they are read, and how a wrong one is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customvision.project.domain.metadata_filter import (
    Comparison,
    Conjunction,
    Disjunction,
    FilterInvalid,
    MetadataFilter,
    parse_metadata_filter,
)
from customvision.project.domain.text import TextTooLong
from metadata_filters import FILTERS, written


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
