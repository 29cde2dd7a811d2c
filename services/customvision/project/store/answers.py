"""How what models answer stands in rows: a column ``predictions`` of JSON lists of tag id, name and probability."""

import json
from collections.abc import Iterable
from dataclasses import astuple

from customvision.project.domain.tag_probability import TagProbability
from customvision.project.store.columns import Row, to_list

# What one page holds of answers, which take about as many bytes in a message of at most 32 MiB.
PAGE_CHARACTERS = 16 * 1024 * 1024


def from_answer(predictions: Iterable[TagProbability]) -> str:
    """Returns the text of an answer, in the answer's order."""
    return to_list(astuple(entry) for entry in predictions)


def to_answer(text: str) -> tuple[TagProbability, ...]:
    """Reads an answer as ``from_answer`` wrote it."""
    return tuple(TagProbability(*entry) for entry in json.loads(text))


def take_page(rows: Iterable[Row], most: int) -> tuple[list[Row], bool]:
    """Returns the first ``most`` rows, or fewer where answers have very many tags, and whether more follow."""
    page: list[Row] = []
    room = PAGE_CHARACTERS
    for row in rows:
        room -= len(row["predictions"])
        if len(page) == most or (page and room < 0):
            return page, True
        page.append(row)
    return page, False
