"""Lists of images: pages, filters, orders and tokens."""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from customvision.common.database import Connection, Database
from customvision.common.pagination import BadPageToken, decode_page_token
from customvision.common.settings import Settings
from customvision.project.domain.image import Image, ImageContent, ImageFilter, ImageOrder, TaggingStatus
from customvision.project.domain.metadata_filter import parse_metadata_filter
from customvision.project.domain.tag import TagType
from customvision.project.domain.text import new_id
from customvision.project.store import image_lists, image_metadata, images, tags
from customvision.project.store.columns import now
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases.lookups import require_tags
from customvision.v1 import images_pb2, tags_pb2
from project_calls import (
    MISSING,
    Stub,
    add_photos,
    freeze,
    image_list,
    make_project,
    make_tag,
    make_trainable,
    refusal_of,
)


async def test_pages_cover_the_data_set_once_in_either_order(stub: Stub) -> None:
    """Whatever the page size, every image comes once, oldest or newest first."""
    project_id = (await make_project(stub)).project_id
    created = [image.image_id for image in await add_photos(stub, project_id, range(7))]
    for page_size in (1, 3, 7, 0):
        listed = await image_list(stub, project_id, page_size=page_size)
        assert [image.image_id for image in listed] == created
        newest = await image_list(stub, project_id, page_size=page_size, order=images_pb2.IMAGE_ORDER_NEWEST_FIRST)
        assert [image.image_id for image in newest] == created[::-1]


async def test_images_that_arrive_between_pages_do_not_shift_them(stub: Stub) -> None:
    """A page goes on after the last image of the page before, whatever was added or deleted meanwhile."""
    project_id = (await make_project(stub)).project_id
    created = [image.image_id for image in await add_photos(stub, project_id, range(6))]
    first = await stub.ListImages(images_pb2.ListImagesRequest(project_id=project_id, page_size=3))
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=created[1:3]))
    rest = images_pb2.ListImagesRequest(project_id=project_id, page_size=3, page_token=first.next_page_token)
    assert [image.image_id for image in (await stub.ListImages(rest)).images] == created[3:]


async def test_filters_select_by_tags_and_tagging(stub: Stub) -> None:
    """Any of the tags asked for; tagged or untagged; an image with two of the tags comes once."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    rose, red, blue = [await make_tag(stub, project_id, name) for name in ("rose", "red", "blue")]
    both = await add_photos(stub, project_id, [0, 1], [rose, red])
    only = await add_photos(stub, project_id, [2], [red])
    none = await add_photos(stub, project_id, [3, 4])

    async def ids(**options: object) -> list[str]:
        return [image.image_id for image in await image_list(stub, project_id, page_size=2, **options)]

    assert await ids(tag_ids=[rose, red]) == [image.image_id for image in (*both, *only)]
    assert await ids(tag_ids=[rose]) == [image.image_id for image in both]
    assert await ids(tag_ids=[blue]) == []
    assert await ids(tagging_status=images_pb2.TAGGING_STATUS_UNTAGGED) == [image.image_id for image in none]
    assert len(await ids(tagging_status=images_pb2.TAGGING_STATUS_TAGGED)) == 3
    assert await ids(tag_ids=[rose], tagging_status=images_pb2.TAGGING_STATUS_UNTAGGED) == []


async def test_an_iteration_lists_its_data_set_as_it_was_frozen(stub: Stub) -> None:
    """Images deleted, retagged and added since do not change what an iteration lists."""
    project_id, (dahlia, rose) = await make_trainable(stub)
    frozen = await image_list(stub, project_id)
    iteration = await freeze(stub, project_id)
    gone, moved = frozen[0].image_id, frozen[1].image_id
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[gone]))
    await stub.UntagImages(images_pb2.UntagImagesRequest(project_id=project_id, image_ids=[moved], tag_ids=[dahlia]))
    await stub.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=rose))
    await add_photos(stub, project_id, [100], [dahlia])
    assert await image_list(stub, project_id, iteration_id=iteration.iteration_id, page_size=3) == frozen
    roses = await image_list(stub, project_id, iteration_id=iteration.iteration_id, tag_ids=[rose], page_size=2)
    assert roses == frozen[5:]
    assert not await image_list(stub, project_id, iteration_id=iteration.iteration_id, tagging_status=2)


async def test_bad_filters_are_refused(stub: Stub) -> None:
    """Unknown tag, iteration, order or status; more than 20 tags; a token of another filter."""
    project_id = (await make_project(stub)).project_id
    await add_photos(stub, project_id, range(2))
    token = (await stub.ListImages(images_pb2.ListImagesRequest(project_id=project_id, page_size=1))).next_page_token
    cases = {
        "TAG_NOT_FOUND": {"tag_ids": [MISSING]},
        "ITERATION_NOT_FOUND": {"iteration_id": MISSING},
        "ENUM_VALUE_INVALID": {"order": 17},
        "TOO_MANY_ITEMS": {"tag_ids": [str(number) for number in range(21)]},
        "PAGE_TOKEN_INVALID": {"order": images_pb2.IMAGE_ORDER_NEWEST_FIRST, "page_token": token},
        "PAGE_SIZE_INVALID": {"page_size": -5},
        "SKIP_INVALID": {"skip": -1},
        "FILTER_INVALID": {"filter": "split = 'test'"},
        "TEXT_TOO_LONG": {"filter": " " * 1025},
    }
    for reason, options in cases.items():
        request = images_pb2.ListImagesRequest(project_id=project_id, **options)  # type: ignore[arg-type]
        assert (await refusal_of(stub.ListImages(request))).reason == reason
    status = images_pb2.ListImagesRequest(project_id=project_id, tagging_status=9)  # type: ignore[arg-type]
    assert (await refusal_of(stub.ListImages(status))).fields == ["tagging_status"]
    unknown = images_pb2.ListImagesRequest(project_id=MISSING)
    assert (await refusal_of(stub.ListImages(unknown))).code == grpc.StatusCode.NOT_FOUND


async def test_images_are_passed_over_before_the_first_page_only(stub: Stub) -> None:
    """Skipping counts in the order of the list, once, with any filter; past the end nothing is left."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    rose, red = [await make_tag(stub, project_id, name) for name in ("rose", "red")]
    created = [image.image_id for image in await add_photos(stub, project_id, range(8), [rose])]
    await stub.TagImages(images_pb2.TagImagesRequest(project_id=project_id, image_ids=created[:4], tag_ids=[red]))

    async def ids(**options: object) -> list[str]:
        return [image.image_id for image in await image_list(stub, project_id, page_size=2, **options)]

    assert await ids(skip=3) == created[3:]
    assert await ids(skip=3, order=images_pb2.IMAGE_ORDER_NEWEST_FIRST) == created[::-1][3:]
    assert await ids(skip=3, tag_ids=[rose, red]) == created[3:]
    assert await ids(skip=3, tag_ids=[red]) == created[3:4]
    assert await ids(skip=8) == await ids(skip=2**31 - 1) == []


async def test_images_are_listed_by_their_ids(stub: Stub) -> None:
    """Those that there are come in the order of the list, each once; also of an iteration, also filtered."""
    project_id, (dahlia, _) = await make_trainable(stub)
    frozen = [image.image_id for image in await image_list(stub, project_id)]
    iteration = await freeze(stub, project_id)
    [late] = [image.image_id for image in await add_photos(stub, project_id, [100])]
    other = await add_photos(stub, (await make_project(stub)).project_id, [1])
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=frozen[:1]))
    wanted = [late, frozen[7], frozen[7], frozen[0], MISSING, frozen[2], other[0].image_id]

    async def ids(**options: object) -> list[str]:
        return [it.image_id for it in await image_list(stub, project_id, page_size=1, image_ids=wanted, **options)]

    assert await ids() == [frozen[2], frozen[7], late]
    assert await ids(order=images_pb2.IMAGE_ORDER_NEWEST_FIRST) == [late, frozen[7], frozen[2]]
    assert await ids(tag_ids=[dahlia]) == [frozen[2]]
    assert await ids(tagging_status=images_pb2.TAGGING_STATUS_UNTAGGED) == [late]
    assert await ids(iteration_id=iteration.iteration_id) == [frozen[0], frozen[2], frozen[7]]
    assert await ids(iteration_id=iteration.iteration_id, tag_ids=[dahlia]) == [frozen[0], frozen[2]]
    many = images_pb2.ListImagesRequest(project_id=project_id, image_ids=[str(number) for number in range(1001)])
    assert (await refusal_of(stub.ListImages(many))).fields == ["image_ids"]


async def test_a_count_is_the_length_of_the_list(stub: Stub) -> None:
    """With every filter, in the current data set and in an iteration's, CountImages says what ListImages gives."""
    project_id, tag_ids = await make_trainable(stub)
    frozen = [image.image_id for image in await image_list(stub, project_id)]
    iteration = await freeze(stub, project_id)
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=frozen[:1]))
    await add_photos(stub, project_id, [100, 101])
    update = images_pb2.UpdateImageMetadataRequest(project_id=project_id, image_ids=frozen[1:4], metadata={"a": "1"})
    await stub.UpdateImageMetadata(update)
    sizes = []
    for iteration_id in ("", iteration.iteration_id):
        for some_tags in ([], tag_ids[:1], tag_ids):
            for status in range(3):
                for text in ("", "a eq '1'", "a ne '1'"):
                    fields: dict[str, Any] = {
                        "iteration_id": iteration_id,
                        "tag_ids": some_tags,
                        "tagging_status": status,
                        "filter": text,
                    }
                    count = await stub.CountImages(images_pb2.CountImagesRequest(project_id=project_id, **fields))
                    assert count.image_count == len(await image_list(stub, project_id, page_size=4, **fields)), fields
                    sizes.append(count.image_count)
    assert sizes[:3] == [11, 3, 8]
    assert sizes[27:30] == [10, 3, 7]
    for reason, bad in {"TAG_NOT_FOUND": {"tag_ids": [MISSING]}, "FILTER_INVALID": {"filter": "a"}}.items():
        refused = images_pb2.CountImagesRequest(project_id=project_id, **bad)  # type: ignore[arg-type]
        assert (await refusal_of(stub.CountImages(refused))).reason == reason


@settings_of(deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_no_token_of_a_caller_s_own_is_taken(token: str) -> None:
    """Whatever a caller makes up as a page token is refused as such."""
    with pytest.raises(BadPageToken):
        decode_page_token(token, "images")


async def test_a_page_of_a_large_project_walks_an_index(settings: Settings) -> None:
    """A page of 50,000 images, whatever the filter, takes SQLite a fraction of the steps of reading them all."""
    database = Database(settings.folder("project") / "large.sqlite", MIGRATIONS)
    try:
        await database.write(_fill)
        for name, load in _LISTS.items():
            page, steps = await database.read(functools.partial(_counted, load))
            assert (len(page), steps < 100_000) == (101, True), (name, steps)
    finally:
        database.close()


def _counted(load: Callable[[Connection], list[Image]], connection: Connection) -> tuple[list[Image], int]:
    """Returns what ``load`` loads and, to a hundred, how many steps SQLite's machine took."""
    hundreds = itertools.count()
    connection.conn.set_progress_handler(lambda: next(hundreds) < 0, 100)
    page = load(connection)
    connection.conn.set_progress_handler(None, 0)
    return page, 100 * next(hundreds)


def _fill(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO projects (project_id, name, description, classification_type, create_time, update_time)"
        " VALUES ('large', 'large', '', 'multiclass', ?, ?)",
        [now().isoformat()] * 2,
    )
    for name in ("common", "rare"):
        tags.insert(
            connection,
            tag_id=name,
            project_id="large",
            name=name,
            description="",
            type=TagType.REGULAR,
            create_time=now(),
            request_id=None,
            request_fingerprint="",
        )
    common, rare = require_tags(connection, "large", ["common", "rare"])
    for number in range(50_000):
        content = ImageContent(1, 1, "image/jpeg", 1, f"{number:064x}", "0" * 64, "1" * 64)
        sequence = images.insert(
            connection, image_id=new_id(), project_id="large", file_name="", content=content, create_time=now()
        )
        if number < 49_000:
            images.add_tags(connection, [sequence], [rare if number > 48_800 else common], now())
        metadata = {"split": "train" if number % 10 else "test", "late": "yes" if number > 48_800 else "no"}
        image_metadata.set_pairs(connection, "large", [sequence], metadata)


def _page(**options: Any) -> Callable[[Connection], list[Image]]:
    selected = ImageFilter(project_id="large", **options)
    return lambda connection: image_lists.page(connection, selected, after=None, limit=101)


_LISTS = {
    "all": _page(),
    "newest": _page(order=ImageOrder.NEWEST_FIRST),
    "rare tag": _page(tag_ids=("rare",)),
    "two tags, newest": _page(tag_ids=("common", "rare"), order=ImageOrder.NEWEST_FIRST),
    "skipping": _page(skip=1000),
    "untagged": _page(tagging_status=TaggingStatus.UNTAGGED),
    "tagged, newest": _page(tagging_status=TaggingStatus.TAGGED, order=ImageOrder.NEWEST_FIRST),
}
_FILTERED_LISTS = {
    "rare pair": _page(metadata=parse_metadata_filter("late eq 'yes'")),
    "pairs, newest": _page(
        metadata=parse_metadata_filter("split eq 'test' or late eq 'yes'"), order=ImageOrder.NEWEST_FIRST
    ),
    "common and rare pair": _page(metadata=parse_metadata_filter("split eq 'train' and late eq 'yes'")),
    "tag and pair": _page(tag_ids=("rare",), metadata=parse_metadata_filter("split ne 'test'")),
}
