"""What a filter on metadata adds to a list of images: a condition, and walks along the pairs that it names."""

from dataclasses import dataclass, replace
from functools import cached_property

from customvision.common.database import Connection
from customvision.project.domain.metadata_filter import Comparison, Conjunction, MetadataFilter
from customvision.project.store.bindings import Bindings

# Who must walk through more images is slow to find few among them; how many more makes no difference.
_MANY = 5000
# Each walk repeats the conditions: a statement of many more would take longer to compile than to run.
_MAX_WALKS = 20
# Each walk is merged with those before it, image by image.
_MAX_LEFT_OUT = 3


@dataclass(frozen=True)
class Cover:
    """Walks that together pass every image that a filter selects, and, where ``exact``, no other.

    ``size`` is how many images they pass, each walk counted up to _MANY.
    """

    walks: tuple[str, ...]
    size: int
    exact: bool


@dataclass(frozen=True)
class _Pair:
    """The images with one pair: a walk through them, how many they are up to _MANY, and a test of one image."""

    walk: str
    size: int
    test: str

    def condition(self, *, equal: bool) -> str:
        """Returns what is true of images with the pair, or without it."""
        if self.size == 0:
            return "0" if equal else "1"
        # SQLite reads few images once and keeps them; of many it looks up the one that it is at.
        test = f"walk.image IN ({self.walk})" if self.size < _MANY else f"EXISTS ({self.test})"
        return test if equal else f"NOT {test}"


class PairWalks:
    """What a filter on metadata is in SQL, by how many images have its pairs at present."""

    def __init__(self, connection: Connection, project_id: str, wanted: MetadataFilter, bindings: Bindings) -> None:
        self._connection = connection
        self._bindings = bindings
        self._project = f"(SELECT sequence FROM projects WHERE project_id = {bindings.bind(project_id)})"  # noqa: S608
        self._wanted = wanted
        self._pairs: dict[tuple[str, str], _Pair] = {}

    @cached_property
    def condition(self) -> str:
        """What is true of ``walk.image`` where the filter selects it."""
        return self._condition(self._wanted)

    @cached_property
    def cover(self) -> Cover | None:
        """The smallest cover that walks along pairs give, or None where none does: ``ne`` alone has none."""
        return self._cover(self._wanted)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Walks that together pass every image that the filter does not select, and no other, or none.

        There are some where it is a few ``ne`` joined by ``and``, of which at least one leaves out many images.
        """
        terms = self._wanted.terms if isinstance(self._wanted, Conjunction) else (self._wanted,)
        if not all(isinstance(term, Comparison) and not term.equal for term in terms):
            return ()
        pairs = dict.fromkeys(self._pair(term) for term in terms if isinstance(term, Comparison))
        if len(pairs) > _MAX_LEFT_OUT or all(pair.size < _MANY for pair in pairs):
            return ()
        return tuple(pair.walk for pair in pairs)

    def _condition(self, wanted: MetadataFilter) -> str:
        if isinstance(wanted, Comparison):
            return self._pair(wanted).condition(equal=wanted.equal)
        joint = " AND " if isinstance(wanted, Conjunction) else " OR "
        return f"({joint.join(map(self._condition, wanted.terms))})"

    def _cover(self, wanted: MetadataFilter) -> Cover | None:
        if isinstance(wanted, Comparison):
            pair = self._pair(wanted)
            return Cover((pair.walk,), pair.size, exact=True) if wanted.equal else None
        covers = [self._cover(term) for term in wanted.terms]
        found = [cover for cover in covers if cover is not None]
        if isinstance(wanted, Conjunction):
            smallest = min(found, key=lambda cover: cover.size, default=None)
            return smallest and replace(smallest, exact=False)
        if len(found) < len(covers):
            return None
        walks = tuple(walk for cover in found for walk in cover.walks)
        return Cover(
            walks=walks if len(walks) <= _MAX_WALKS else (" UNION ".join(walks),),
            size=sum(cover.size for cover in found),
            exact=all(cover.exact for cover in found),
        )

    def _pair(self, wanted: Comparison) -> _Pair:
        known = self._pairs.get((wanted.key, wanted.value))
        if known is not None:
            return known
        same = f"key = {self._bindings.bind(wanted.key)} AND value = {self._bindings.bind(wanted.value)}"
        walk = f"SELECT image FROM image_metadata WHERE project = {self._project} AND {same}"  # noqa: S608
        pair = _Pair(
            walk=walk,
            size=size_of(self._connection, walk, self._bindings),
            test=f"SELECT 1 FROM image_metadata WHERE image = walk.image AND {same}",  # noqa: S608
        )
        return self._pairs.setdefault((wanted.key, wanted.value), pair)


def size_of(connection: Connection, walk: str, bindings: Bindings) -> int:
    """Returns how many images a walk passes, counted up to 5,000: further it would cost more than it saves."""
    row = connection.execute(f"SELECT count(*) FROM ({walk} LIMIT {_MANY})", bindings).fetchone()  # noqa: S608
    size: int = row[0]
    return size
