"""Selects images by their metadata: ``key eq 'value'`` and ``key ne 'value'`` with ``and``, ``or`` and parentheses.

``and`` binds more closely than ``or``. A quote in quotes is doubled. A key with blanks, quotes or parentheses is put in
quotes itself. ``ne`` also selects images without the key.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from customvision.common.errors import InvalidArgument
from customvision.project.domain.text import checked_text, shortened

MAX_CHARACTERS = 1024
# More than anybody writes, and less than what the database's own parser can take.
MAX_NESTING = 16


@dataclass(frozen=True)
class Comparison:
    """The image has exactly this pair, or, where not ``equal``, has not."""

    key: str
    value: str
    equal: bool


@dataclass(frozen=True)
class Conjunction:
    """All of the terms hold."""

    terms: "tuple[MetadataFilter, ...]"


@dataclass(frozen=True)
class Disjunction:
    """At least one of the terms holds."""

    terms: "tuple[MetadataFilter, ...]"


MetadataFilter = Comparison | Conjunction | Disjunction


class FilterInvalid(InvalidArgument):
    """A filter is not of the grammar."""

    reason = "FILTER_INVALID"

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(
            f"The filter cannot be read at character {position + 1}: {problem}. "
            "Write it like: split eq 'test' and (day ne 'monday' or camera eq 'left').",
            metadata={"position": str(position + 1)},
            field="filter",
        )


@dataclass(frozen=True)
class _Token:
    """A word, a text in quotes, a parenthesis, or, with kind "end", the end; ``position`` counts from 0."""

    kind: str
    text: str
    position: int

    def is_word(self, word: str) -> bool:
        return self.kind == "word" and self.text.lower() == word

    def described(self) -> str:
        return "the end" if self.kind == "end" else f"'{shortened(self.text)}'"


_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>'(?:[^']|'')*')|(?P<open>\()|(?P<close>\))|(?P<word>[^\s'()]+)|(?P<end>\Z))", re.DOTALL
)


def parse_metadata_filter(text: str) -> MetadataFilter | None:
    """Returns what ``text`` selects, or None where it is blank. Raises FilterInvalid or TextTooLong."""
    checked_text(text, "filter", MAX_CHARACTERS)
    if not text.strip():
        return None
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while not tokens or tokens[-1].kind != "end":
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise FilterInvalid(text.index("'", position), "the text that begins here has no closing quote")
        kind = match.lastgroup
        tokens.append(_Token(kind, match[kind], match.start(kind)))
        position = match.end()
    return tokens


class _Parser:
    """Reads tokens from left to right, one method a rule of the grammar."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._index = 0
        self._nesting = 0

    def whole(self) -> MetadataFilter:
        """The filter, up to the end."""
        found = self._disjunction()
        if self._next.kind != "end":
            raise self._unexpected("'and', 'or' or the end")
        return found

    def _disjunction(self) -> MetadataFilter:
        terms = self._joined("or", self._conjunction)
        return terms[0] if len(terms) == 1 else Disjunction(terms)

    def _conjunction(self) -> MetadataFilter:
        terms = self._joined("and", self._term)
        return terms[0] if len(terms) == 1 else Conjunction(terms)

    def _joined(self, word: str, rule: Callable[[], MetadataFilter]) -> tuple[MetadataFilter, ...]:
        terms = [rule()]
        while self._next.is_word(word):
            self._take()
            terms.append(rule())
        return tuple(terms)

    def _term(self) -> MetadataFilter:
        if self._next.kind != "open":
            return self._comparison()
        opening = self._take()
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise FilterInvalid(opening.position, f"parentheses are nested more than {MAX_NESTING} deep")
        inner = self._disjunction()
        if self._next.kind != "close":
            raise self._unexpected("'and', 'or' or ')'")
        self._take()
        self._nesting -= 1
        return inner

    def _comparison(self) -> Comparison:
        if self._next.kind not in ("word", "quoted"):
            raise self._unexpected("a key")
        key = _unquoted(self._take())
        if not (self._next.is_word("eq") or self._next.is_word("ne")):
            raise self._unexpected("'eq' or 'ne'")
        equal = self._take().is_word("eq")
        if self._next.kind != "quoted":
            raise self._unexpected("a value in single quotes")
        return Comparison(key, _unquoted(self._take()), equal)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._index]

    def _take(self) -> _Token:
        token = self._next
        self._index += 1
        return token

    def _unexpected(self, expected: str) -> FilterInvalid:
        return FilterInvalid(self._next.position, f"expected {expected}, found {self._next.described()}")


def _unquoted(token: _Token) -> str:
    return token.text[1:-1].replace("''", "'") if token.kind == "quoted" else token.text
