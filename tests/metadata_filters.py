"""Filters on metadata for tests: any there may be, how they are written, and what they mean in the plainest way."""

from collections.abc import Mapping

from hypothesis import strategies as st

from customvision.project.domain.metadata_filter import Comparison, Conjunction, Disjunction, MetadataFilter

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
