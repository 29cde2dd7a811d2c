"""Enums of the API: words that clients send, and what each stands for in the contract."""

from collections.abc import Hashable, Mapping
from typing import Any, Generic, TypeVar

from customvision.gateway.api_errors import ApiError

MAX_SHOWN_CHARACTERS = 64

Meaning = TypeVar("Meaning", bound=Hashable)


class Words(Generic[Meaning]):
    """The words of one enum in the API's spelling, each with its meaning; requests may spell them in any case."""

    def __init__(self, what: str, meanings: Mapping[str, Meaning], code: str = "BadRequestInvalid") -> None:
        self._what, self._code = what, code
        self._meanings = dict(meanings)
        self._by_lower_case = {word.lower(): meaning for word, meaning in meanings.items()}
        self._words = {meaning: word for word, meaning in reversed(list(meanings.items()))}

    def knows(self, word: str) -> bool:
        """Returns whether ``word`` is one of these."""
        return word.lower() in self._by_lower_case

    def meaning(self, word: str) -> Meaning:
        """Returns what ``word`` stands for. Raises ApiError where it is none of these."""
        if not self.knows(word):
            known = ", ".join(self._meanings)
            message = f"There is no {self._what} '{word[:MAX_SHOWN_CHARACTERS]}'; there are {known}."
            raise ApiError(self._code, message)
        return self._by_lower_case[word.lower()]

    def word(self, meaning: Meaning) -> str:
        """Returns the first word with this meaning. Raises KeyError where there is none."""
        return self._words[meaning]

    @property
    def schema(self) -> dict[str, Any]:
        """The words, for the OpenAPI document."""
        return {"enum": list(self._meanings)}
