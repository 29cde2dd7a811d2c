"""Page tokens."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customvision.common.pagination import (
    BadPageSize,
    BadPageToken,
    decode_page_token,
    encode_page_token,
    page_size_of,
)


@given(st.integers(0, 2**63 - 1), st.lists(st.text() | st.integers() | st.booleans() | st.none()))
def test_a_token_leads_back_to_its_position(position: int, filters: list[object]) -> None:
    """Whatever the position and the filters, what was encoded is decoded."""
    assert decode_page_token(encode_page_token(position, *filters), *filters) == position


@given(st.text(), st.text())
def test_a_token_belongs_to_its_filters(one: str, other: str) -> None:
    """With other filters the token is refused."""
    if one != other:
        with pytest.raises(BadPageToken):
            decode_page_token(encode_page_token(5, one), other)


@given(st.text(min_size=1) | st.binary(min_size=1).map(lambda data: data.hex()))
def test_any_other_text_is_refused_as_ours(token: str) -> None:
    """No text at all makes anything but BadPageToken."""
    with pytest.raises(BadPageToken):
        decode_page_token(token)


@pytest.mark.parametrize("position", ["-1", "9223372036854775808", "true", "1.5", "null", '"1"', "[[1]]"])
def test_a_forged_position_is_refused(position: str) -> None:
    """A token that decodes to something that is no position is not ours."""
    import base64
    import json

    fingerprint = json.loads(base64.urlsafe_b64decode(encode_page_token(1) + "=="))[1]
    forged = base64.urlsafe_b64encode(f'[{position}, "{fingerprint}"]'.encode()).decode()
    with pytest.raises(BadPageToken):
        decode_page_token(forged)


@given(st.integers(-(2**31), 2**31 - 1))
def test_a_page_has_between_one_and_a_thousand_rows(requested: int) -> None:
    """Zero means 100, more than 1,000 means 1,000, less than zero is an error."""
    if requested < 0:
        with pytest.raises(BadPageSize):
            page_size_of(requested)
    else:
        assert 1 <= page_size_of(requested) <= 1000
        assert page_size_of(0) == 100


def test_a_nested_token_is_refused_like_any_other() -> None:
    """A token that would exhaust the JSON reader's stack is answered as invalid, not as a fault of ours."""
    nested = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(BadPageToken):
        decode_page_token(nested)
