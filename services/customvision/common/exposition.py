"""Figures of several processes told as one: Prometheus' text format allows each family once."""

import re
from collections.abc import Mapping

_FAMILY = re.compile(r"# (HELP|TYPE) (\S+) ")


def merged(texts: Mapping[str, str], label: str) -> str:
    """Returns the samples of all ``texts`` under one HELP and one TYPE for each family.

    The key of a text becomes the value of ``label`` on each of its samples that does not have it already. The texts
    are of processes of this suite, so a family has the same type and meaning in each.
    """
    families: dict[str, list[str]] = {}
    headers: dict[str, dict[str, str]] = {}
    for value, text in texts.items():
        family = ""
        # Not splitlines: label values may hold other characters that it takes for ends of lines.
        for line in text.split("\n"):
            if header := _FAMILY.match(line):
                kind, family = header.groups()
                headers.setdefault(family, {}).setdefault(kind, line)
                families.setdefault(family, [])
            elif line and not line.startswith("#"):
                families.setdefault(family, []).append(_labelled(line, label, value))
    lines = (line for family, samples in families.items() for line in (*headers.get(family, {}).values(), *samples))
    return "".join(f"{line}\n" for line in lines)


def _labelled(sample: str, label: str, value: str) -> str:
    name, brace, rest = sample.partition("{")
    if not brace:
        name, _, rest = sample.partition(" ")
        return f'{name}{{{label}="{value}"}} {rest}'
    # A quote inside a value is escaped, so this is found at labels only.
    if f',{label}="' in f",{rest}":
        return sample
    return f'{name}{{{label}="{value}",{rest}'
