"""Suggestions: what models answer to untagged images, kept until an image has a tag, listed and counted."""

import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import grpc
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from customvision.common.database import Connection, Database
from customvision.common.settings import Settings
from customvision.project.domain.image import ImageContent
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.suggestion import Suggestion, SuggestionFilter, SuggestionOrder
from customvision.project.domain.tag_probability import TagProbability
from customvision.project.domain.text import new_id
from customvision.project.store import images
from customvision.project.store.columns import now
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases.pages import PageRequest
from customvision.project.use_cases.projects import Projects
from customvision.project.use_cases.suggestions import Suggestions
from customvision.v1 import images_pb2, iterations_pb2, suggestions_pb2
from project_calls import MISSING, Stub, add_photos, complete, freeze, make_project, make_trainable, refusal_of
from recorded_answers import ANSWERS, SHARES, TAG_IDS, answer, share_of

MOST = suggestions_pb2.SUGGESTION_ORDER_MOST_CERTAIN_FIRST
Shares = Mapping[str, float]


@dataclass(frozen=True)
class Garden:
    """A project with a completed iteration of two tags and some untagged images."""

    stub: Stub
    project_id: str
    iteration_id: str
    dahlia: str
    rose: str
    untagged: list[str]

    async def record(
        self, shares: Sequence[tuple[str, Shares]], iteration_id: str = ""
    ) -> list[suggestions_pb2.Suggestion]:
        """Records answers to images, by image id."""
        request = suggestions_pb2.RecordSuggestionsRequest(
            project_id=self.project_id,
            iteration_id=iteration_id or self.iteration_id,
            suggestions=[suggestions_pb2.Suggestion(image_id=it, predictions=answer(of)) for it, of in shares],
        )
        return list((await self.stub.RecordSuggestions(request)).suggestions)

    async def record_all(self) -> list[suggestions_pb2.Suggestion]:
        """Records an answer to each untagged image, the first the surest of dahlia."""
        count = len(self.untagged)
        shares = [{self.dahlia: 1 - n / (2 * count), self.rose: n / (2 * count)} for n in range(count)]
        return await self.record(list(zip(self.untagged, shares, strict=True)))

    async def list(self, iteration_id: str = "", **options: object) -> list[suggestions_pb2.Suggestion]:
        """Returns the suggestions of one page."""
        request = suggestions_pb2.ListSuggestionsRequest(
            project_id=self.project_id,
            iteration_id=iteration_id or self.iteration_id,
            **options,  # type: ignore[arg-type]
        )
        return list((await self.stub.ListSuggestions(request)).suggestions)

    async def counts(self, **options: object) -> dict[str, int]:
        """Returns the counts by tag."""
        request = suggestions_pb2.CountSuggestionsRequest(
            project_id=self.project_id,
            iteration_id=self.iteration_id,
            **options,  # type: ignore[arg-type]
        )
        return dict((await self.stub.CountSuggestions(request)).counts)


@pytest.fixture
async def garden(stub: Stub) -> Garden:
    """A project with a completed iteration and four untagged images."""
    project_id, (dahlia, rose) = await make_trainable(stub)
    iteration = await complete(stub, await freeze(stub, project_id))
    untagged = [image.image_id for image in await add_photos(stub, project_id, range(50, 54))]
    return Garden(stub, project_id, iteration.iteration_id, dahlia, rose, untagged)


async def test_suggestions_are_kept_and_listed_least_certain_first(garden: Garden) -> None:
    """What was answered comes back with its uncertainty, in either order, page by page."""
    kept = await garden.record_all()
    assert [entry.image_id for entry in kept] == garden.untagged
    assert [entry.uncertainty for entry in kept] == sorted(entry.uncertainty for entry in kept)
    assert kept[0].uncertainty == 0
    assert [(tag.tag_id, tag.probability) for tag in kept[1].predictions] == [
        (garden.dahlia, 0.875),
        (garden.rose, 0.125),
    ]
    assert await garden.list() == kept[::-1]
    assert await garden.list(order=MOST) == kept
    request = suggestions_pb2.ListSuggestionsRequest(
        project_id=garden.project_id, iteration_id=garden.iteration_id, page_size=3
    )
    first = await garden.stub.ListSuggestions(request)
    request.page_token = first.next_page_token
    second = await garden.stub.ListSuggestions(request)
    assert ([*first.suggestions, *second.suggestions], second.next_page_token) == (kept[::-1], "")


async def test_tags_and_threshold_select_and_count(garden: Garden) -> None:
    """Any of the tags from the threshold on; any tag at all where none is named; counts have zeros."""
    ids = [entry.image_id for entry in await garden.record_all()]
    assert [entry.image_id for entry in await garden.list(tag_ids=[garden.dahlia], threshold=0.875)] == ids[1::-1]
    assert [entry.image_id for entry in await garden.list(tag_ids=[garden.rose], threshold=0.3)] == ids[:2:-1]
    assert [entry.image_id for entry in await garden.list(threshold=0.7)] == ids[2::-1]
    assert len(await garden.list(tag_ids=[garden.rose, garden.dahlia])) == 4
    assert await garden.list(tag_ids=[MISSING]) == []
    assert await garden.counts(threshold=0.7) == {garden.dahlia: 3, garden.rose: 0}
    assert await garden.counts(tag_ids=[garden.rose, MISSING], threshold=0.25) == {garden.rose: 2, MISSING: 0}
    assert await garden.counts() == {garden.dahlia: 4, garden.rose: 4}


async def test_a_newer_suggestion_replaces_the_one_of_the_same_iteration(garden: Garden) -> None:
    """Also in the counts; what another iteration suggests stays."""
    await garden.record_all()
    image_id = garden.untagged[0]
    other = await complete(garden.stub, await freeze(garden.stub, garden.project_id, force=True))
    assert await garden.list(other.iteration_id) == []
    [apart] = await garden.record([(image_id, {garden.rose: 0.6})], other.iteration_id)
    [newer] = await garden.record([(image_id, {garden.dahlia: 0.2}), (image_id.upper(), {garden.rose: 1.0})])
    assert [tag.tag_id for tag in newer.predictions] == [garden.rose]
    assert newer in await garden.list()
    assert await garden.counts() == {garden.dahlia: 3, garden.rose: 4}
    assert await garden.list(other.iteration_id) == [apart]


async def test_a_suggestion_goes_when_its_image_gets_a_tag_or_goes(garden: Garden) -> None:
    """At once, with its counts, and it does not come back when the tag is taken off."""
    kept = await garden.record_all()
    tagged, deleted, everywhere, left = garden.untagged
    await garden.stub.TagImages(
        images_pb2.TagImagesRequest(project_id=garden.project_id, image_ids=[tagged], tag_ids=[garden.rose])
    )
    for image_id, all_iterations in ((deleted, False), (everywhere, True)):
        await garden.stub.DeleteImages(
            images_pb2.DeleteImagesRequest(
                project_id=garden.project_id, image_ids=[image_id], all_iterations=all_iterations
            )
        )
    assert await garden.list() == [kept[3]]
    assert await garden.counts() == {garden.dahlia: 1, garden.rose: 1}
    await garden.stub.UntagImages(
        images_pb2.UntagImagesRequest(project_id=garden.project_id, image_ids=[tagged], tag_ids=[garden.rose])
    )
    assert [entry.image_id for entry in await garden.list()] == [left]
    await garden.stub.DeleteIteration(
        iterations_pb2.DeleteIterationRequest(project_id=garden.project_id, iteration_id=garden.iteration_id)
    )
    with pytest.raises(grpc.aio.AioRpcError, match="no iteration"):
        await garden.list()


async def test_an_uploaded_duplicate_with_a_tag_ends_the_suggestion(garden: Garden) -> None:
    """However an image comes by a tag, its suggestions go."""
    await garden.record_all()
    await add_photos(garden.stub, garden.project_id, [51], [garden.dahlia])
    assert {entry.image_id for entry in await garden.list()} == {*garden.untagged} - {garden.untagged[1]}


async def test_only_untagged_images_of_the_data_set_are_kept(garden: Garden) -> None:
    """Tagged, deleted, unknown and foreign images are left out and the others are kept."""
    other = (await make_project(garden.stub)).project_id
    [foreign] = await add_photos(garden.stub, other, [60])
    [tagged] = await add_photos(garden.stub, garden.project_id, [61], [garden.rose])
    [deleted] = await add_photos(garden.stub, garden.project_id, [62])
    await garden.stub.DeleteImages(
        images_pb2.DeleteImagesRequest(project_id=garden.project_id, image_ids=[deleted.image_id])
    )
    names = [foreign.image_id, garden.untagged[0], tagged.image_id, deleted.image_id, MISSING, "", garden.untagged[1]]
    kept = await garden.record([(image_id, {garden.rose: 0.5}) for image_id in names])
    assert [entry.image_id for entry in kept] == garden.untagged[:2]
    assert len(await garden.list()) == 2
    assert await garden.record([]) == []


async def test_an_iteration_without_a_model_suggests_nothing(garden: Garden) -> None:
    """One in training is refused with the reason, an unknown one is not found."""
    training = await freeze(garden.stub, garden.project_id, force=True)
    answers = [(garden.untagged[0], {garden.rose: 0.5})]
    refusal = await refusal_of(garden.record(answers, training.iteration_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ITERATION_NOT_COMPLETED")
    assert await garden.list(training.iteration_id) == []
    for call in (garden.record(answers, MISSING), garden.list(MISSING)):
        assert (await refusal_of(call)).reason == "ITERATION_NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError, match="no project"):
        await replace(garden, project_id=MISSING).counts()


async def test_bad_suggestions_and_filters_are_refused(garden: Garden) -> None:
    """Each names its field, and nothing is kept."""
    first, second = garden.untagged[:2]
    token_of = suggestions_pb2.ListSuggestionsRequest(
        project_id=garden.project_id, iteration_id=garden.iteration_id, page_size=1
    )
    cases = [
        (garden.record([(first, {garden.rose: 0.5}), (second, {garden.rose: 1.5})]), "suggestions[1].predictions[0]"),
        (garden.record([(first, {garden.rose: math.nan})]), "suggestions[0].predictions[0].probability"),
        (garden.record([(first, {"x" * 129: 0.5})]), "suggestions[0].predictions[0].tag_id"),
        (garden.record([(first, {})] * 65), "suggestions"),
        (garden.list(threshold=1.01), "threshold"),
        (garden.list(threshold=math.nan), "threshold"),
        (garden.list(tag_ids=[str(number) for number in range(21)]), "tag_ids"),
        (garden.list(order=9), "order"),
        (garden.counts(threshold=-0.5), "threshold"),
        (garden.counts(tag_ids=[str(number) for number in range(1001)]), "tag_ids"),
    ]
    for call, field in cases:
        refusal = await refusal_of(call)
        assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.fields[0].startswith(field)
    assert await garden.list() == []
    await garden.record_all()
    token = (await garden.stub.ListSuggestions(token_of)).next_page_token
    for options in ({"order": MOST}, {"threshold": 0.5}, {"tag_ids": [garden.rose]}):
        refusal = await refusal_of(garden.list(page_token=token, page_size=1, **options))
        assert refusal.reason == "PAGE_TOKEN_INVALID"


@dataclass(frozen=True)
class Store:
    """The use case, and a project of its own database with a completed iteration and untagged images."""

    database: Database
    use_case: Suggestions
    project_id: str
    image_ids: list[str]

    async def iteration(self) -> str:
        """Adds a completed iteration and returns its id."""
        return await self.database.write(lambda connection: _insert_iteration(connection, self.project_id))


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """A database with a project of twelve untagged images."""
    database = Database(settings.folder("project") / "project.sqlite", MIGRATIONS)
    project = await Projects(database).create(
        name="garden", description="", classification_type=ClassificationType.MULTILABEL, request_id=""
    )
    image_ids = [new_id() for _ in range(12)]
    await database.write(lambda connection: _insert_images(connection, project.project_id, image_ids))
    yield Store(database, Suggestions(database), project.project_id, image_ids)
    database.close()


def _insert_images(connection: Connection, project_id: str, image_ids: Sequence[str]) -> None:
    for number, image_id in enumerate(image_ids):
        content = ImageContent(1, 1, "image/jpeg", 1, f"{number:064x}", "0" * 64, "1" * 64)
        images.insert(
            connection, image_id=image_id, project_id=project_id, file_name="", content=content, create_time=now()
        )


def _insert_iteration(connection: Connection, project_id: str) -> str:
    iteration_id = new_id()
    connection.execute(
        "INSERT INTO iterations (iteration_id, project_id, name, number, status, training_type, classification_type,"
        " create_time, update_time, image_count, data_set_fingerprint) SELECT ?, ?, ?, 1 + count(*), 'completed',"
        " 'quick', 'multilabel', ?, ?, 0, '' FROM iterations",
        [iteration_id, project_id, iteration_id, now().isoformat(), now().isoformat()],
    )
    return iteration_id


_KEYS: dict[SuggestionOrder, Callable[[Suggestion], tuple[float, int]]] = {
    SuggestionOrder.LEAST_CERTAIN_FIRST: lambda suggestion: (-suggestion.uncertainty, -suggestion.sequence),
    SuggestionOrder.MOST_CERTAIN_FIRST: lambda suggestion: (suggestion.uncertainty, suggestion.sequence),
}


@settings_of(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answers=st.lists(st.tuples(st.integers(0, 11), ANSWERS), max_size=16),
    tag_ids=st.lists(st.sampled_from([*TAG_IDS, "unknown"]), max_size=3, unique=True),
    threshold=SHARES,
    order=st.sampled_from(SuggestionOrder),
    page_size=st.integers(1, 5),
)
async def test_lists_and_counts_show_what_a_plain_reading_of_the_filter_selects(
    store: Store,
    answers: list[tuple[int, tuple[TagProbability, ...]]],
    tag_ids: list[str],
    threshold: float,
    order: SuggestionOrder,
    page_size: int,
) -> None:
    """Whatever was recorded and replaced: each suggestion that matches once, in order, and counts that agree."""
    iteration_id = await store.iteration()
    recorded: dict[str, Suggestion] = {}
    for number, predictions in answers:
        [kept] = await store.use_case.record(store.project_id, iteration_id, [(store.image_ids[number], predictions)])
        recorded[kept.image_id] = kept
    selected = SuggestionFilter(store.project_id, iteration_id, tuple(tag_ids), threshold, order)
    expected = sorted((one for one in recorded.values() if _selects(selected, one)), key=_KEYS[order])
    found: list[Suggestion] = []
    token = ""
    while True:
        page = await store.use_case.page(selected, PageRequest(page_size, token))
        found.extend(page.items)
        token = page.next_page_token
        if not token:
            break
    assert found == expected
    counts = await store.use_case.counts(store.project_id, iteration_id, [*TAG_IDS, "unknown"], threshold)
    assert counts == {tag_id: _count(recorded.values(), tag_id, threshold) for tag_id in (*TAG_IDS, "unknown")}


def _selects(selected: SuggestionFilter, suggestion: Suggestion) -> bool:
    if not selected.tag_ids and selected.threshold == 0:
        return True
    tag_ids = selected.tag_ids or TAG_IDS
    shares = [share_of(suggestion.predictions, tag_id) for tag_id in tag_ids]
    return any(share is not None and share >= selected.threshold for share in shares)


def _count(recorded: Iterable[Suggestion], tag_id: str, threshold: float) -> int:
    shares = [share_of(suggestion.predictions, tag_id) for suggestion in recorded]
    return sum(share is not None and share >= threshold for share in shares)
