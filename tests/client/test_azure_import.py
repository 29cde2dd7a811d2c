"""Copying a live Azure project into a real project service."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from azure_double import DETECTION, KEY, UNKNOWN_DOMAIN, AzureDouble, StoredImage, StoredProject
from customvision.client import AsyncClient, ClientSettings, CustomVisionError
from customvision.client.azure import (
    AzureConnection,
    AzureImage,
    AzureProject,
    CopiedImage,
    CopyOutcome,
    ProjectCopy,
    connection,
    copy_images,
    find_azure_project,
    prepare_copy,
)
from customvision.common.authentication import KeyRing
from customvision.common.keys import Keys
from customvision.common.server import Server
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service
from customvision.v1 import domains_pb2, images_pb2, projects_pb2, tags_pb2
from pictures import photo
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]
COPIED, ALREADY_THERE, LEFT_OUT = CopyOutcome.COPIED, CopyOutcome.ALREADY_THERE, CopyOutcome.LEFT_OUT
IDENTICAL = CopyOutcome.IDENTICAL


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_PAUSE_SECONDS", 0.0)


@pytest.fixture
def azure() -> Iterator[AzureDouble]:
    """A resource of Azure that serves."""
    double = AzureDouble()
    with double.serving():
        yield double


@pytest.fixture
async def client(settings: Settings, keys: Keys, make_settings: MakeSettings) -> AsyncIterator[AsyncClient]:
    """A client of a real project service."""
    async with open_project_service(settings) as definition:
        server = Server(definition, "127.0.0.1:0", KeyRing(keys))
        address = await server.start()
        async with AsyncClient(make_settings(address)) as client:
            yield client
        await server.stop()


def flowers(count: int = 4) -> StoredProject:
    """Returns a multilabel project with two tags, of which each image has one, and an untagged image at the end."""
    project = StoredProject("flowers", description="What grows here.")
    tags = [project.add_tag("rose", description="Thorns."), project.add_tag("none", kind="Negative")]
    project.images = [StoredImage(photo(seed), [tags[seed % 2]]) for seed in range(count)]
    project.images.append(StoredImage(photo(count)))
    return project


async def copy_project(
    client: AsyncClient, azure: AzureDouble, name: str = "flowers", to: str = "", into: str = ""
) -> tuple[ProjectCopy, list[CopiedImage]]:
    """Copies a project; returns the copy and what became of its images."""
    async with AzureConnection(azure.endpoint, KEY) as source:
        project = await find_azure_project(source, name)
        copy = await prepare_copy(client, project, to, into=into)
        return copy, [image async for image in copy_images(client, project, copy)]


async def copied(client: AsyncClient, azure: AzureDouble, name: str = "flowers", to: str = "") -> list[CopiedImage]:
    """Copies a project; returns what became of its images."""
    return (await copy_project(client, azure, name, to))[1]


def outcomes(images: list[CopiedImage]) -> list[CopyOutcome]:
    """Returns what became of each image, in order."""
    return [image.outcome for image in images]


@contextmanager
def refused(reason: str) -> Iterator[None]:
    """Expects a CustomVisionError with this reason."""
    with pytest.raises(CustomVisionError) as raised:
        yield
    assert raised.value.reason == reason


async def test_a_project_is_copied_whole(client: AsyncClient, azure: AzureDouble) -> None:
    """Type, description, domain, tags with type and description, and every image with its tags arrive, in order."""
    project = flowers()
    azure.projects.append(project)
    copy, images = await copy_project(client, azure)
    assert outcomes(images) == [COPIED] * 5
    assert copy.project.classification_type == projects_pb2.CLASSIFICATION_TYPE_MULTILABEL
    assert copy.project.description == "What grows here."
    assert (copy.project.domain_id, copy.has_same_domain, copy.new_tags) == (project.domain_id, True, 2)
    tags = [each async for each in client.list_tags(copy.project.project_id)]
    assert [(tag.name, tag.description, tag.type, tag.image_count) for tag in tags] == [
        ("rose", "Thorns.", tags_pb2.TAG_TYPE_REGULAR, 2),
        ("none", "", tags_pb2.TAG_TYPE_NEGATIVE, 2),
    ]
    here = [each async for each in client.list_images(copy.project.project_id)]
    assert [image.file_name for image in here] == [image.id for image in project.images]
    assert [list(image.tag_ids) for image in here] == [[tags[n].tag_id] for n in (0, 1, 0, 1)] + [[]]


async def test_a_second_copy_brings_what_is_missing(client: AsyncClient, azure: AzureDouble) -> None:
    """Copied again, only new images are fetched, and an image that got a tag at the source gets it here."""
    project = flowers()
    azure.projects.append(project)
    await copied(client, azure)
    project.images.append(StoredImage(photo(77)))
    project.images[4].tag_ids.append(project.add_tag("tulip"))
    before = azure.downloads()
    copy, images = await copy_project(client, azure)
    assert outcomes(images) == [ALREADY_THERE] * 5 + [COPIED]
    assert azure.downloads() - before == {project.images[5].id: 1}
    assert (copy.is_new, copy.new_tags) == (False, 1)
    tulips = [copy.tag_ids[project.images[4].tag_ids[0]]]
    found = [each async for each in client.list_images(copy.project.project_id, tag_ids=tulips)]
    assert [image.file_name for image in found] == [project.images[4].id]


async def test_a_corrected_tag_is_kept(client: AsyncClient, azure: AzureDouble) -> None:
    """An image of a multiclass project that got another tag here keeps it when the project is copied again."""
    project = flowers(2)
    project.classification_type = "Multiclass"
    azure.projects.append(project)
    copy, _ = await copy_project(client, azure)
    rose, none = copy.tag_ids.values()

    [image] = [each async for each in client.list_images(copy.project.project_id, tag_ids=[rose])]
    project_id, image_ids = copy.project.project_id, [image.image_id]
    untag = images_pb2.UntagImagesRequest(project_id=project_id, image_ids=image_ids, tag_ids=[rose])
    await client.project.UntagImages(untag)
    retag = images_pb2.TagImagesRequest(project_id=project_id, image_ids=image_ids, tag_ids=[none])
    await client.project.TagImages(retag)
    assert outcomes(await copied(client, azure)) == [ALREADY_THERE] * 3
    left = [each async for each in client.list_images(copy.project.project_id, tag_ids=[rose])]
    assert left == []


async def test_an_interrupted_copy_is_continued(client: AsyncClient, azure: AzureDouble) -> None:
    """What was stored before the connection broke is not fetched again, and nothing is there twice."""
    azure.projects.append(flowers(40))
    async with AzureConnection(azure.endpoint, KEY) as source:
        project = await find_azure_project(source, "flowers")
        copy = await prepare_copy(client, project)
        async with aclosing(copy_images(client, project, copy)) as images:
            first = await anext(images)
    assert first.outcome is COPIED
    again = await copied(client, azure)
    assert 1 <= outcomes(again).count(ALREADY_THERE) < 41
    here = [each async for each in client.list_images(copy.project.project_id)]
    assert [image.file_name for image in here] == [image.id for image in azure.projects[0].images]
    stored_before = {image.azure_id for image in again if image.outcome is ALREADY_THERE}
    assert {azure.downloads()[azure_id] for azure_id in stored_before} == {1}


async def test_many_images_are_read_page_by_page(client: AsyncClient, azure: AzureDouble) -> None:
    """A project of more than one page is copied whole, though the API gives 256 images at a time."""
    project = StoredProject("many")
    small = photo(1)
    # Bytes behind the end of a JPEG make another file of the same picture.
    project.images = [StoredImage(small + str(number).encode()) for number in range(300)]
    azure.projects.append(project)
    images = await copied(client, azure, "many")
    assert [image.azure_id for image in images] == [image.id for image in project.images]
    assert outcomes(images) == [COPIED] * 300


async def test_metadata_travels(azure: AzureDouble, make_settings: MakeSettings) -> None:
    """The metadata of an image are sent with it."""
    project = StoredProject("flowers", images=[StoredImage(photo(1), metadata={"camera": "front"})])
    azure.projects.append(project)
    ok = images_pb2.ImageCreateResult(status=images_pb2.IMAGE_CREATE_STATUS_OK, image_id="i")
    kind = projects_pb2.CLASSIFICATION_TYPE_MULTILABEL
    scripts: dict[str, Callable[[ScriptedCall], object]] = {
        "ListDomains": lambda _: domains_pb2.ListDomainsResponse(),
        "ListProjects": lambda _: projects_pb2.ListProjectsResponse(),
        "CreateProject": lambda _: projects_pb2.Project(project_id="p", name="flowers", classification_type=kind),
        "ListTags": lambda _: tags_pb2.ListTagsResponse(),
        "ListImages": lambda _: images_pb2.ListImagesResponse(),
        "CreateImages": lambda _: images_pb2.CreateImagesResponse(results=[ok]),
    }
    with ScriptedServer(scripts) as server:
        async with AsyncClient(make_settings(server.address)) as client:
            assert outcomes(await copied(client, azure)) == [COPIED]
        [call] = server.calls["CreateImages"]
    assert dict(call.request.images[0].metadata) == {"camera": "front"}


async def test_images_that_cannot_be_had_are_left_out(client: AsyncClient, azure: AzureDouble) -> None:
    """Files that are lost, broken or too large, and links that lead elsewhere, are named; the others arrive."""
    project = flowers(2)
    project.images += [
        StoredImage(b""),
        StoredImage(b"no image"),
        StoredImage(b"\xff" * (6 * 1024 * 1024 + 1)),
        StoredImage(photo(50), link="http://127.0.0.1:9/elsewhere.jpg"),
        StoredImage(photo(51), link="file:///etc/passwd"),
        StoredImage(photo(52)),
    ]
    azure.projects.append(project)
    images = await copied(client, azure)
    assert outcomes(images) == [COPIED] * 3 + [LEFT_OUT] * 5 + [COPIED]
    messages = [image.message for image in images[3:8]]
    assert "deleted at the source" in messages[0]
    assert messages[1]
    assert "6,291,456 bytes" in messages[2]
    assert all("not followed" in message for message in messages[3:])


async def test_expired_links_are_asked_for_again(azure: AzureDouble) -> None:
    """A link that ran out while it waited is replaced by a new one."""
    azure.projects.append(flowers(2))
    async with AzureConnection(azure.endpoint, KEY) as source:
        project = await find_azure_project(source, "flowers")
        async with aclosing(project.images()) as images:
            image = await anext(images)
        azure.expire_links()
        assert await project.download(image) == photo(0)


async def test_paths_of_a_virtual_network_are_followed(client: AsyncClient, azure: AzureDouble) -> None:
    """A resource that gives paths in place of links is asked for them, with the key."""
    image = StoredImage(photo(1))
    image.link = f"/i-project/i-{image.id}"
    azure.projects.append(StoredProject("flowers", images=[image]))
    assert outcomes(await copied(client, azure)) == [COPIED]


async def test_the_key_goes_to_the_api_alone(client: AsyncClient, azure: AzureDouble) -> None:
    """Links to images are followed without the key."""
    azure.projects.append(flowers(2))
    await copied(client, azure)
    asked = [request for request in azure.requests if request.url.path.startswith("/blobs/")]
    assert len(asked) == 3
    assert not [request for request in asked if KEY in str(request.headers)]


async def test_a_busy_source_is_waited_for(client: AsyncClient, azure: AzureDouble) -> None:
    """429 with Retry-After and broken answers are asked for again, for lists and for images."""
    azure.projects.append(flowers(2))
    for path in ("/projects", f"/projects/{azure.projects[0].id}/images", f"/blobs/{azure.projects[0].images[0].id}"):
        azure.trouble[path] = [Response(status_code=status, headers={"Retry-After": "0"}) for status in (429, 503, 500)]
    assert outcomes(await copied(client, azure)) == [COPIED] * 3


async def test_a_pause_may_be_told_as_a_date(client: AsyncClient, azure: AzureDouble) -> None:
    """Retry-After with a date waits until then, one that has passed not at all, and nonsense is passed over."""
    azure.projects.append(flowers(2))
    dates = (
        format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True),
        "Fri, 06 Nov 2020 17:34:53 GMT",
        "x",
    )
    azure.trouble["/projects"] = [Response(status_code=429, headers={"Retry-After": date}) for date in dates]
    assert outcomes(await copied(client, azure)) == [COPIED] * 3
    azure.trouble["/projects"] = [Response(status_code=429, headers={"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"})]
    with refused("AZURE_BUSY"):
        await copied(client, azure)


async def test_a_source_that_stays_busy_ends_the_copy(client: AsyncClient, azure: AzureDouble) -> None:
    """One that asks for a longer pause than anybody waits for ends the copy with a sentence."""
    azure.projects.append(flowers(2))
    azure.trouble["/projects"] = [Response(status_code=429, headers={"Retry-After": "86400"})]
    with pytest.raises(CustomVisionError, match="goes on answering 429") as raised:
        await copied(client, azure)
    assert raised.value.reason == "AZURE_BUSY"


async def test_an_unknown_domain_becomes_general(client: AsyncClient, azure: AzureDouble) -> None:
    """A project of a domain that the suite lacks is copied to General, and the copy says so."""
    azure.projects.append(StoredProject("faces", domain_id=UNKNOWN_DOMAIN))
    copy, _ = await copy_project(client, azure, "faces")
    assert not copy.has_same_domain
    assert copy.project.domain_id == "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"


async def test_projects_are_found_by_name_or_id(client: AsyncClient, azure: AzureDouble) -> None:
    """An id and a name that is the only one of its kind lead to a project; others are explained."""
    azure.projects += [flowers(1), StoredProject("twice"), StoredProject("twice")]
    assert len(await copied(client, azure, azure.projects[0].id.upper())) == 2
    for name, reason in (("nothing", "AZURE_PROJECT_NOT_FOUND"), ("twice", "AZURE_PROJECT_AMBIGUOUS")):
        with pytest.raises(CustomVisionError) as raised:
            await copied(client, azure, name)
        assert raised.value.reason == reason


@pytest.mark.parametrize(("domain_id", "kind"), [(DETECTION, None), (DETECTION, "Multilabel")])
async def test_object_detection_is_refused(
    client: AsyncClient, azure: AzureDouble, domain_id: str, kind: str | None
) -> None:
    """An object detection project is refused before anything is made."""
    azure.projects.append(StoredProject("boxes", domain_id=domain_id, classification_type=kind))
    with pytest.raises(CustomVisionError, match="object detection project") as raised:
        await copied(client, azure, "boxes")
    assert raised.value.reason == "AZURE_OBJECT_DETECTION"
    assert [each async for each in client.list_projects()] == []


async def test_a_project_of_the_other_type_is_not_touched(client: AsyncClient, azure: AzureDouble) -> None:
    """A multiclass project of the same name is not filled from a multilabel one; another name helps."""
    azure.projects.append(flowers(1))
    await client.project.CreateProject(projects_pb2.CreateProjectRequest(name="flowers"))
    with pytest.raises(CustomVisionError, match="is multiclass and the Azure project is multilabel"):
        await copied(client, azure)
    assert outcomes(await copied(client, azure, to="flowers from Azure")) == [COPIED] * 2


async def test_a_project_of_its_own_is_added_to_on_purpose_only(client: AsyncClient, azure: AzureDouble) -> None:
    """One of the same name with other images is let be, also where they have ids for names, unless it is named."""
    azure.projects.append(flowers(1))
    creation = projects_pb2.CreateProjectRequest(
        name="flowers", classification_type=projects_pb2.CLASSIFICATION_TYPE_MULTILABEL
    )
    own = await client.project.CreateProject(creation)
    for seed, file_name in ((70, "mine.jpg"), (71, str(uuid.uuid4()))):
        upload = images_pb2.ImageUpload(image_data=photo(seed), file_name=file_name)
        await client.project.CreateImages(images_pb2.CreateImagesRequest(project_id=own.project_id, images=[upload]))
        with refused("AZURE_PROJECT_DIFFERS"):
            await copied(client, azure)
    assert [each async for each in client.list_tags(own.project_id)] == []
    copy, images = await copy_project(client, azure, into="flowers")
    assert (copy.project.project_id, outcomes(images)) == (own.project_id, [COPIED] * 2)
    assert outcomes(await copied(client, azure)) == [ALREADY_THERE] * 2


async def test_identical_files_are_told_from_those_that_are_there(client: AsyncClient, azure: AzureDouble) -> None:
    """A file that Azure has under two ids is here once, with both tags, and is no image that was there before."""
    project = StoredProject("flowers")
    tags = [project.add_tag("rose"), project.add_tag("red")]
    project.images = [StoredImage(photo(1), [tags[0]]), StoredImage(photo(1), [tags[1]])]
    azure.projects.append(project)
    copy, images = await copy_project(client, azure)
    assert outcomes(images) == [COPIED, IDENTICAL]
    [image] = [each async for each in client.list_images(copy.project.project_id)]
    assert set(image.tag_ids) == set(copy.tag_ids.values())
    assert outcomes(await copied(client, azure)) == [ALREADY_THERE, IDENTICAL]


async def test_an_endpoint_that_never_answers_is_given_up_soon() -> None:
    """Each further try is told before it is made, and there are few."""
    told: list[tuple[str, str, float]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    async with AzureConnection(f"http://{host}", KEY, on_silence=lambda *entry: told.append(entry)) as source:
        with refused("AZURE_UNREACHABLE"):
            await find_azure_project(source, "flowers")
    assert [(name, seconds) for name, _, seconds in told] == [(host, 0.0)] * (connection.FIRST_ATTEMPTS - 1)
    assert all(why for _, why, _ in told)


async def test_wrong_ways_in_are_explained(azure: AzureDouble) -> None:
    """A wrong key, a wrong endpoint and something else that answers are told apart."""
    nobody = "http://127.0.0.1:9"
    azure.trouble["/projects"] = [Response("<html>", media_type="text/html"), Response("[1]")]
    for endpoint, key, reason in (
        (azure.endpoint, "wrong", "AZURE_KEY_REFUSED"),
        (nobody, KEY, "AZURE_UNREACHABLE"),
        (azure.endpoint, KEY, "AZURE_ANSWER_UNREADABLE"),
        (azure.endpoint, KEY, "AZURE_ANSWER_UNREADABLE"),
    ):
        async with AzureConnection(endpoint, key) as source:
            with refused(reason):
                await find_azure_project(source, "flowers")


@pytest.mark.parametrize(
    "endpoint", ["", "name.cognitiveservices.azure.com", "ftp://a.example", "https://u:p@a.example"]
)
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    """An endpoint needs http or https and a host, and no password."""
    with refused("AZURE_ENDPOINT_INVALID"):
        AzureConnection(endpoint, KEY)


@pytest.mark.parametrize("key", ["", "ключ", "a\nb"])
def test_what_is_no_key_is_refused(key: str) -> None:
    """A key that no header could carry is refused before anything is sent."""
    with refused("AZURE_KEY_INVALID"):
        AzureConnection("https://a.example", key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["x", DETECTION]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "settings", "domainId", "classificationType", "tags"]), inner)
    ),
    max_leaves=12,
)


class Answering(AzureConnection):
    """A connection on which everything is answered with ``content``."""

    def __init__(self, content: Any) -> None:
        super().__init__("http://a.example", KEY)
        self._content = content

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:  # noqa: ARG002
        """Answers."""
        return self._content


@given(JSON)
def test_whatever_answers_is_read_or_refused(content: Any) -> None:
    """No JSON, however odd, ends in anything but a project, its parts, or an error with a sentence."""

    async def read() -> None:
        async with Answering(content) as source:
            project = AzureProject(source, DETECTION, "x", "", DETECTION, "General", is_multilabel=True)
            for reading in (find_azure_project(source, "x"), project.tags(), project.image_count(), _first(project)):
                with suppress(CustomVisionError):
                    await reading

    asyncio.run(read())


async def test_a_list_without_end_is_noticed() -> None:
    """A source that passes over nothing, whatever it is asked, is not read for ever."""
    page = [{"id": str(uuid.UUID(int=number)), "originalImageUri": "https://a.example"} for number in range(256)]
    async with Answering(page) as source:
        project = AzureProject(source, DETECTION, "x", "", DETECTION, "General", is_multilabel=True)
        with refused("AZURE_ANSWER_UNREADABLE"):
            assert len([image async for image in project.images()]) == 256


async def _first(project: AzureProject) -> AzureImage | None:
    async with aclosing(project.images()) as images:
        return await anext(images, None)


@pytest.mark.parametrize("behind", ["", "/", "/customvision/v3.3/Training/projects", "/CustomVision/"])
async def test_endpoints_may_be_copied_with_a_path(azure: AzureDouble, behind: str) -> None:
    """What a portal shows behind the host is passed over."""
    azure.projects.append(StoredProject("flowers"))
    async with AzureConnection(azure.endpoint + behind, KEY) as source:
        assert (await find_azure_project(source, "flowers")).name == "flowers"
