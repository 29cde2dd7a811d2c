"""Reads one page of any list, with one row more than asked for to know whether another page follows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from customvision.common.database import Connection, Database
from customvision.common.pagination import (
    RankedPosition,
    decode_page_token,
    decode_ranked_page_token,
    encode_page_token,
    encode_ranked_page_token,
    page_size_of,
)


class Sequenced(Protocol):
    """Something with a place in an order."""

    @property
    def sequence(self) -> int:
        """The place: a positive number that no other has."""


class Ranked(Sequenced, Protocol):
    """Something whose place can also be that of its uncertainty, among equals that of its sequence."""

    @property
    def uncertainty(self) -> float:
        """The rank, a finite number."""


Item = TypeVar("Item", bound=Sequenced)
RankedItem = TypeVar("RankedItem", bound=Ranked)
# Called with the position to continue after (None at the start) and the most rows to return.
Load = Callable[[Connection, int | None, int], list[Item]]
# The same, but it says itself whether more rows follow: it may return fewer than would fit by their number.
LoadRanked = Callable[[Connection, RankedPosition | None, int], tuple[list[RankedItem], bool]]


@dataclass(frozen=True)
class PageRequest:
    """What a caller asked for: 0 means 100 rows, "" the first page."""

    page_size: int
    page_token: str


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page; ``next_page_token`` is empty on the last."""

    items: list[Item]
    next_page_token: str


async def read_page(database: Database, request: PageRequest, load: Load[Item], *filters: object) -> Page[Item]:
    """Returns the page that ``request`` asks for. Raises BadPageSize or BadPageToken."""
    size = page_size_of(request.page_size)
    after = decode_page_token(request.page_token, *filters)
    items = await database.read(lambda connection: load(connection, after, size + 1))
    if len(items) <= size:
        return Page(items, "")
    return Page(items[:size], encode_page_token(items[size - 1].sequence, *filters))


async def read_ranked_page(
    database: Database, request: PageRequest, load: LoadRanked[RankedItem], *filters: object
) -> Page[RankedItem]:
    """Returns the page that ``request`` asks for of a list that may be in order of uncertainty, as read_page does."""
    size = page_size_of(request.page_size)
    after = decode_ranked_page_token(request.page_token, *filters)
    items, more = await database.read(lambda connection: load(connection, after, size))
    if not more:
        return Page(items, "")
    last = RankedPosition(items[-1].uncertainty, items[-1].sequence)
    return Page(items, encode_ranked_page_token(last, *filters))
