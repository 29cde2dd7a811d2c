"""Lists of stored predictions: orders, filters, pages, and what they cost in a large project."""

import functools
import itertools
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf import timestamp_pb2
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from customvision.common.database import Connection, Database
from customvision.common.notifier import Notifier
from customvision.common.settings import Settings
from customvision.project.domain.image import ImageContent
from customvision.project.domain.prediction_filter import PredictionFilter, PredictionOrder, PredictionTagFilter
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.stored_prediction import StoredPrediction
from customvision.project.domain.tag_probability import TagProbability
from customvision.project.domain.text import new_id
from customvision.project.store import prediction_lists, stored_predictions
from customvision.project.store.blobs import BlobStore
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.pages import PageRequest
from customvision.project.use_cases.projects import Projects
from customvision.project.use_cases.stored_predictions import StoredPredictions
from customvision.v1 import stored_predictions_pb2
from pictures import photo
from project_calls import MISSING, Stub, complete, freeze, make_project, make_trainable, refusal_of
from recorded_answers import ANSWERS, SHARES, TAG_IDS, answer, share_of

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
# Whole and broken seconds: their texts differ in length.
TIMES = st.sampled_from([NOON, NOON + timedelta(microseconds=1), NOON + timedelta(seconds=1, milliseconds=500)])
LABELS = st.sampled_from(["a", "b"])
PREDICTIONS = st.builds(
    StoredPrediction,
    sequence=st.just(0),
    prediction_id=st.builds(new_id),
    project_id=st.just(""),
    iteration_id=LABELS,
    publish_name=st.just("live"),
    predictions=ANSWERS,
    content=st.just(ImageContent(1, 1, "image/jpeg", 1, "0" * 64, "1" * 64, "2" * 64)),
    create_time=TIMES,
    application=st.sampled_from(["", "a", "b"]),
    uncertainty=st.sampled_from([0.0, 0.1, 1 / 3, 1.0]),
    domain_id=st.just(""),
)
FILTERS = st.builds(
    PredictionFilter,
    project_id=st.just(""),
    iteration_id=st.one_of(st.just(""), LABELS),
    application=st.one_of(st.just(""), LABELS),
    start_time=st.one_of(st.none(), TIMES),
    end_time=st.one_of(st.none(), TIMES),
    tags=st.lists(
        st.builds(
            PredictionTagFilter,
            tag_id=st.sampled_from([*TAG_IDS, "unknown"]),
            min_probability=SHARES,
            max_probability=SHARES,
        ),
        max_size=2,
    ).map(tuple),
    order=st.sampled_from(PredictionOrder),
)


@pytest.fixture
async def predictions(settings: Settings) -> AsyncIterator[tuple[Database, StoredPredictions]]:
    """What can be done with stored predictions, and the empty database that they are in."""
    folder = settings.folder("project")
    database, blobs = Database(folder / "project.sqlite", MIGRATIONS), BlobStore(folder / "blobs")
    yield database, StoredPredictions(database, blobs, ImageArrivals(database, Notifier()))
    blobs.close()
    database.close()


async def _new_project(database: Database) -> str:
    project = await Projects(database).create(
        name="garden", description="", classification_type=ClassificationType.MULTICLASS, request_id=""
    )
    return project.project_id


async def _paged(use_case: StoredPredictions, selected: PredictionFilter, page_size: int) -> list[StoredPrediction]:
    """Returns all that the filter selects, page by page."""
    found: list[StoredPrediction] = []
    token = ""
    while True:
        page = await use_case.page(selected, PageRequest(page_size, token))
        assert len(page.items) <= page_size
        found.extend(page.items)
        token = page.next_page_token
        if not token:
            return found


def _selects(selected: PredictionFilter, prediction: StoredPrediction) -> bool:
    shares = [(tag, share_of(prediction.predictions, tag.tag_id)) for tag in selected.tags]
    return (
        selected.iteration_id in ("", prediction.iteration_id)
        and selected.application in ("", prediction.application)
        and (selected.start_time is None or prediction.create_time >= selected.start_time)
        and (selected.end_time is None or prediction.create_time < selected.end_time)
        and all(share is not None and tag.min_probability <= share <= tag.max_probability for tag, share in shares)
    )


_KEYS: dict[PredictionOrder, Callable[[StoredPrediction], tuple[float, ...]]] = {
    PredictionOrder.NEWEST_FIRST: lambda prediction: (-prediction.sequence,),
    PredictionOrder.OLDEST_FIRST: lambda prediction: (prediction.sequence,),
    PredictionOrder.SUGGESTED: lambda prediction: (-prediction.uncertainty, -prediction.sequence),
}


@settings_of(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.lists(PREDICTIONS, max_size=12), selected=FILTERS, page_size=st.integers(1, 5))
async def test_pages_show_what_a_plain_reading_of_the_filter_selects(
    predictions: tuple[Database, StoredPredictions],
    kept: list[StoredPrediction],
    selected: PredictionFilter,
    page_size: int,
) -> None:
    """Whatever the filter, order and page size: each prediction that matches once, in order, and no other."""
    database, use_case = predictions
    project_id = await _new_project(database)
    kept = [replace(prediction, project_id=project_id) for prediction in kept]

    def insert(connection: Connection) -> None:
        for prediction in kept:
            stored_predictions.insert(connection, prediction)

    await database.write(insert)
    everything = await _paged(use_case, PredictionFilter(project_id, order=PredictionOrder.OLDEST_FIRST), 3)
    assert [replace(prediction, sequence=0) for prediction in everything] == kept
    selected = replace(selected, project_id=project_id)
    expected = sorted((one for one in everything if _selects(selected, one)), key=_KEYS[selected.order])
    assert await _paged(use_case, selected, page_size) == expected


def _recording(project_id: str, seed: int, **fields: object) -> stored_predictions_pb2.RecordPredictionRequest:
    values: dict[str, object] = {
        "prediction_id": new_id(),
        "project_id": project_id,
        "iteration_id": MISSING,
        "image_data": photo(seed),
    }
    return stored_predictions_pb2.RecordPredictionRequest(**(values | fields))  # type: ignore[arg-type]


async def _ids(stub: Stub, project_id: str, **options: object) -> list[str]:
    request = stored_predictions_pb2.ListPredictionsRequest(project_id=project_id, **options)  # type: ignore[arg-type]
    return [prediction.prediction_id for prediction in (await stub.ListPredictions(request)).predictions]


async def test_predictions_are_kept_with_all_that_they_are_found_by(stub: Stub) -> None:
    """Label, uncertainty and domain; the iteration decides which, and the project where it is gone."""
    project_id, _ = await make_trainable(stub)
    iteration = await complete(stub, await freeze(stub, project_id))
    shares = {"dahlia": 0.5, "rose": 0.5, "tulip": 0.0, "aster": 0.0}
    request = _recording(
        project_id, 90, iteration_id=iteration.iteration_id, predictions=answer(shares), application="gate 🚪"
    )
    kept = await stub.RecordPrediction(request)
    assert (kept.application, kept.domain_id) == ("gate 🚪", iteration.domain_id)
    assert kept.uncertainty == pytest.approx(0.5)
    labels = await make_project(stub, multilabel=True)
    other = await stub.RecordPrediction(_recording(labels.project_id, 91, predictions=answer({"rose": 0.5})))
    assert (other.uncertainty, other.domain_id, other.application) == (1.0, labels.domain_id, "")


async def test_lists_are_filtered_and_ordered_as_asked(stub: Stub) -> None:
    """Order, time, label, iteration and the probabilities of two tags, each as the contract says."""
    project_id = (await make_project(stub)).project_id
    recorded = [
        await stub.RecordPrediction(_recording(project_id, seed, predictions=answer(shares), application=label))
        for seed, (shares, label) in enumerate(
            [
                ({"dahlia": 0.9, "rose": 0.1}, "gate"),
                ({"dahlia": 0.5, "rose": 0.5}, "shed"),
                ({"dahlia": 0.2, "rose": 0.8}, "gate"),
            ]
        )
    ]
    sure, unsure, fair = [prediction.prediction_id for prediction in recorded]
    assert await _ids(stub, project_id) == [fair, unsure, sure]
    oldest, suggested = (
        stored_predictions_pb2.PREDICTION_ORDER_OLDEST_FIRST,
        stored_predictions_pb2.PREDICTION_ORDER_SUGGESTED,
    )
    assert await _ids(stub, project_id, order=oldest) == [sure, unsure, fair]
    assert await _ids(stub, project_id, order=suggested) == [unsure, fair, sure]
    assert await _ids(stub, project_id, application="gate") == [fair, sure]
    assert await _ids(stub, project_id, start_time=recorded[1].create_time) == [fair, unsure]
    assert await _ids(stub, project_id, end_time=recorded[1].create_time) == [sure]
    likely = stored_predictions_pb2.PredictionTagFilter(tag_id="dahlia", min_probability=0.5)
    unlikely = stored_predictions_pb2.PredictionTagFilter(tag_id="rose", max_probability=0.25)
    unknown = stored_predictions_pb2.PredictionTagFilter(tag_id=MISSING)
    assert await _ids(stub, project_id, tags=[likely]) == [unsure, sure]
    assert await _ids(stub, project_id, tags=[likely, unlikely]) == [sure]
    assert await _ids(stub, project_id, tags=[unknown]) == []
    assert await _ids(stub, project_id, iteration_id="other") == []


async def test_a_page_goes_on_after_a_prediction_that_was_deleted(stub: Stub) -> None:
    """Also in order of uncertainty the next page begins where the last one ended, whatever went meanwhile."""
    project_id = (await make_project(stub)).project_id
    for seed in range(6):
        shares = {"dahlia": 1 - seed / 20, "rose": seed / 20}
        await stub.RecordPrediction(_recording(project_id, seed, predictions=answer(shares)))
    request = stored_predictions_pb2.ListPredictionsRequest(
        project_id=project_id, page_size=3, order=stored_predictions_pb2.PREDICTION_ORDER_SUGGESTED
    )
    whole = await _ids(stub, project_id, order=request.order)
    first = await stub.ListPredictions(request)
    await stub.DeletePredictions(
        stored_predictions_pb2.DeletePredictionsRequest(project_id=project_id, prediction_ids=whole[1:3])
    )
    await stub.RecordPrediction(_recording(project_id, 9, predictions=answer({"dahlia": 0.5, "rose": 0.5})))
    request.page_token = first.next_page_token
    assert [prediction.prediction_id for prediction in (await stub.ListPredictions(request)).predictions] == whole[3:]


async def test_a_repeated_tag_counts_as_the_likelier_one(stub: Stub) -> None:
    """An answer that names a tag twice is kept as it is and found by what comes first."""
    project_id = (await make_project(stub)).project_id
    twice = [*answer({"rose": 0.75}), *answer({"rose": 0.25})]
    kept = await stub.RecordPrediction(_recording(project_id, 1, predictions=twice))
    assert list(kept.predictions) == twice
    for share, found in ((0.75, [kept.prediction_id]), (0.25, [])):
        tag = stored_predictions_pb2.PredictionTagFilter(tag_id="rose", min_probability=share, max_probability=share)
        assert await _ids(stub, project_id, tags=[tag]) == found


async def test_a_page_of_answers_with_very_many_tags_fits_into_a_message(stub: Stub) -> None:
    """Pages are shorter then than was asked for, and together they still have everything."""
    project_id = (await make_project(stub)).project_id
    names = [f"{number:0128}" for number in range(10_000)]
    tags = [stored_predictions_pb2.TagProbability(tag_id=name, tag_name=name, probability=0.125) for name in names]
    recorded = [await stub.RecordPrediction(_recording(project_id, seed, predictions=tags)) for seed in range(13)]
    assert sum(prediction.ByteSize() for prediction in recorded) > 32 * 2**20
    request = stored_predictions_pb2.ListPredictionsRequest(project_id=project_id, page_size=1000)
    listed: list[str] = []
    while answered := await stub.ListPredictions(request):
        listed.extend(prediction.prediction_id for prediction in answered.predictions)
        request.page_token = answered.next_page_token
        if not request.page_token:
            break
    assert listed == [prediction.prediction_id for prediction in recorded[::-1]]


async def test_bad_filters_of_predictions_are_refused(stub: Stub) -> None:
    """Too many tags, no probability, no time, no order, a label too long, a token of another order."""
    project_id = (await make_project(stub)).project_id
    for seed in range(2):
        await stub.RecordPrediction(_recording(project_id, seed))
    first = stored_predictions_pb2.ListPredictionsRequest(project_id=project_id, page_size=1)
    token = (await stub.ListPredictions(first)).next_page_token
    suggested = stored_predictions_pb2.PREDICTION_ORDER_SUGGESTED
    tag = stored_predictions_pb2.PredictionTagFilter
    cases: list[tuple[dict[str, object], str, str]] = [
        ({"tags": [tag(tag_id=name) for name in "abc"]}, "TOO_MANY_ITEMS", "tags"),
        ({"tags": [tag(min_probability=math.nan)]}, "PROBABILITY_INVALID", "tags[0].min_probability"),
        ({"tags": [tag(), tag(max_probability=1.5)]}, "PROBABILITY_INVALID", "tags[1].max_probability"),
        ({"start_time": timestamp_pb2.Timestamp(seconds=10**15)}, "TIME_INVALID", "start_time"),
        ({"end_time": timestamp_pb2.Timestamp(nanos=-1)}, "TIME_INVALID", "end_time"),
        ({"application": "x" * 257}, "TEXT_TOO_LONG", "application"),
        ({"order": 9}, "ENUM_VALUE_INVALID", "order"),
        ({"page_token": token, "order": suggested}, "PAGE_TOKEN_INVALID", "page_token"),
        ({"page_token": token, "application": "gate"}, "PAGE_TOKEN_INVALID", "page_token"),
        ({"page_size": -1}, "PAGE_SIZE_INVALID", "page_size"),
    ]
    for fields, reason, field in cases:
        refusal = await refusal_of(_ids(stub, project_id, **fields))
        assert (refusal.code, refusal.reason, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, reason, [field])
    assert (await refusal_of(_ids(stub, MISSING))).reason == "PROJECT_NOT_FOUND"
    recordings: list[tuple[dict[str, object], str]] = [
        ({"application": "x" * 257}, "application"),
        ({"predictions": answer({"x" * 129: 0.5})}, "predictions[0].tag_id"),
        ({"predictions": answer({"rose": math.nan})}, "predictions[0].probability"),
        ({"predictions": answer(dict.fromkeys(map(str, range(10_001)), 0.5))}, "predictions"),
    ]
    for fields, field in recordings:
        assert (await refusal_of(stub.RecordPrediction(_recording(project_id, 5, **fields)))).fields == [field]
    assert len(await _ids(stub, project_id)) == 2


async def test_a_page_of_many_predictions_walks_an_index(settings: Settings) -> None:
    """A page of 20,000 predictions costs the steps of a page; the rarest filter, those of one walk over an index."""
    database = Database(settings.folder("project") / "large.sqlite", MIGRATIONS)
    try:
        project_id = await _new_project(database)
        await database.write(functools.partial(_fill, project_id=project_id))
        for order in PredictionOrder:
            for name, (options, count, most) in _COSTS.items():
                selected = replace(options, project_id=project_id, order=order)
                page, steps = await database.read(functools.partial(_counted, selected))
                assert (len(page), steps < most) == (count, True), (order, name, steps)
    finally:
        database.close()


def _counted(selected: PredictionFilter, connection: Connection) -> tuple[list[StoredPrediction], int]:
    """Returns a page and, to a hundred, how many steps SQLite's machine took for it."""
    hundreds = itertools.count()
    connection.conn.set_progress_handler(lambda: next(hundreds) < 0, 100)
    page, _ = prediction_lists.page(connection, selected, after=None, most=101)
    connection.conn.set_progress_handler(None, 0)
    return page, 100 * next(hundreds)


def _fill(connection: Connection, project_id: str) -> None:
    content = ImageContent(1, 1, "image/jpeg", 1, "0" * 64, "1" * 64, "2" * 64)
    for number in range(20_000):
        share = number % 1000 / 1000
        stored_predictions.insert(
            connection,
            StoredPrediction(
                sequence=0,
                prediction_id=new_id(),
                project_id=project_id,
                iteration_id="first" if number < 10_000 else "second",
                publish_name="live",
                predictions=(TagProbability("rose", "rose", share), TagProbability("dahlia", "dahlia", 1 - share)),
                content=content,
                create_time=NOON + timedelta(seconds=number),
                application="rare" if number % 1000 == 0 else "common",
                uncertainty=share,
                domain_id="",
            ),
        )


# A filter, how many of a page's 101 rows it finds, and the steps of SQLite's machine that it may take.
_PAGE, _WALK = 20_000, 500_000
_COSTS = {
    "all": (PredictionFilter(""), 101, _PAGE),
    "half by label": (PredictionFilter("", application="common"), 101, _PAGE),
    "half by tag": (PredictionFilter("", tags=(PredictionTagFilter("rose"),)), 101, _PAGE),
    "rare label": (PredictionFilter("", application="rare"), 20, _WALK),
    "one iteration": (PredictionFilter("", iteration_id="first"), 101, _WALK),
    "rare share": (PredictionFilter("", tags=(PredictionTagFilter("rose", 0.999),)), 20, _WALK),
    "a minute": (PredictionFilter("", start_time=NOON, end_time=NOON + timedelta(minutes=1)), 60, _WALK),
}
