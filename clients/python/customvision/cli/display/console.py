"""Where output goes: answers to standard output, everything else to standard error."""

import sys
import unicodedata

from rich.console import Console

# Wide enough that no id is cut where a program or a file reads along.
UNLIMITED_WIDTH = 400
# Joiners shape emoji and several scripts; every other invisible character could disguise a name.
JOINERS = "\u200c\u200d"
INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else UNLIMITED_WIDTH
    # Names come from users: nothing in them is markup.
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, width=width)


output = _console(stderr=False)
notes = _console(stderr=True)


def printable(text: object) -> str:
    """Returns ``text`` with control and other invisible characters spelt out, so that it cannot steer a terminal."""
    return "".join(_visible(character) for character in str(text))


def counted(number: int, noun: str) -> str:
    """Returns a count with its noun, in the plural where that is right: ``1 image``, ``2 images``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _visible(character: str) -> str:
    if character in JOINERS or unicodedata.category(character) not in INVISIBLE_CATEGORIES:
        return character
    return character.encode("unicode_escape").decode("ascii")
