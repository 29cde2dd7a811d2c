"""Projects: created, read, listed, changed, deleted."""

from typing import Any

import grpc
from google.protobuf import empty_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customvision.project.domain.text import NameInvalid, checked_name
from customvision.v1 import images_pb2, projects_pb2
from project_calls import MISSING, Stub, add_photos, freeze, make_project, make_tag, make_trainable, refusal_of

REQUEST = "5f6dcfd5-c3d5-4c5c-9a7e-0d9d3f5a8b1c"
NAMES = ["🌷", "a'b\"c", "../../etc/passwd", "'; DROP TABLE projects; --", "ورد", "‮abc", " padded ", "x" * 128]


async def test_a_project_is_read_as_it_was_created(stub: Stub) -> None:
    """Create answers the whole project, and Get the same."""
    request = projects_pb2.CreateProjectRequest(name="garden", description="flowers of 2026")
    project = await stub.CreateProject(request)
    assert (project.name, project.description) == ("garden", "flowers of 2026")
    assert project.classification_type == projects_pb2.CLASSIFICATION_TYPE_MULTICLASS
    assert project.create_time.seconds == project.update_time.seconds > 1_700_000_000
    assert await stub.GetProject(projects_pb2.GetProjectRequest(project_id=project.project_id)) == project


async def test_names_are_kept_verbatim(stub: Stub) -> None:
    """Any script, quotes, slashes and SQL are data: what comes back is what was given."""
    for name in NAMES:
        project = await make_project(stub, name)
        assert project.name == name
        found = await stub.ListProjects(projects_pb2.ListProjectsRequest(name=name))
        assert [entry.project_id for entry in found.projects] == [project.project_id]


async def test_bad_names_are_refused_with_their_field(stub: Stub) -> None:
    """Empty, blank, too long and control characters are INVALID_ARGUMENT on the field, and nothing is created."""
    for name in ("", "  \t ", "x" * 129, "y" * 10_000, "a\nb", "a\x00b", "\x7f"):
        refusal = await refusal_of(make_project(stub, name))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "NAME_INVALID"), repr(name)
        assert refusal.fields == ["name"]
    assert not (await stub.ListProjects(projects_pb2.ListProjectsRequest())).projects


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_name_is_kept_or_refused(name: str) -> None:
    """A name is either returned unchanged or NameInvalid, whatever it holds."""
    try:
        assert checked_name(name, "name") == name
    except NameInvalid:
        controls = any(ord(character) < 32 or 127 <= ord(character) < 160 for character in name)
        assert not name.strip() or len(name) > 128 or controls or any("\ud800" <= c <= "\udfff" for c in name)


async def test_a_repeated_request_id_answers_the_same_project(stub: Stub) -> None:
    """A retry creates nothing; the id with other content is refused; an id that is no UUID too."""
    request = projects_pb2.CreateProjectRequest(name="garden", request_id=REQUEST)
    first = await stub.CreateProject(request)
    assert await stub.CreateProject(request) == first
    assert len((await stub.ListProjects(projects_pb2.ListProjectsRequest())).projects) == 1
    other = await refusal_of(stub.CreateProject(projects_pb2.CreateProjectRequest(name="park", request_id=REQUEST)))
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    bad = await refusal_of(stub.CreateProject(projects_pb2.CreateProjectRequest(name="park", request_id="7")))
    assert (bad.code, bad.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["request_id"])


async def test_several_projects_may_share_a_name_and_list_by_pages(stub: Stub) -> None:
    """Pages go on where the last ended, oldest first; a token belongs to its filter."""
    for number in range(5):
        await make_project(stub, "even" if number % 2 == 0 else "odd")
    first = await stub.ListProjects(projects_pb2.ListProjectsRequest(name="even", page_size=2))
    token = first.next_page_token
    second = await stub.ListProjects(projects_pb2.ListProjectsRequest(name="even", page_size=2, page_token=token))
    assert (len(first.projects), len(second.projects), second.next_page_token) == (2, 1, "")
    assert len({project.project_id for project in (*first.projects, *second.projects)}) == 3
    other = projects_pb2.ListProjectsRequest(name="odd", page_size=2, page_token=token)
    assert (await refusal_of(stub.ListProjects(other))).reason == "PAGE_TOKEN_INVALID"
    negative = await refusal_of(stub.ListProjects(projects_pb2.ListProjectsRequest(page_size=-1)))
    assert negative.reason == "PAGE_SIZE_INVALID"


async def test_update_changes_only_what_is_present(stub: Stub) -> None:
    """Absent fields keep their value, present ones change, also to empty; bad ones change nothing."""
    project = await stub.CreateProject(projects_pb2.CreateProjectRequest(name="garden", description="old"))
    changed = await stub.UpdateProject(projects_pb2.UpdateProjectRequest(project_id=project.project_id, name="park"))
    assert (changed.name, changed.description) == ("park", "old")
    assert changed.update_time.ToNanoseconds() > project.update_time.ToNanoseconds()
    cleared = projects_pb2.UpdateProjectRequest(project_id=project.project_id, description="")
    assert (await stub.UpdateProject(cleared)).description == ""
    bad = projects_pb2.UpdateProjectRequest(project_id=project.project_id, name="new", description="x" * 1025)
    assert (await refusal_of(stub.UpdateProject(bad))).fields == ["description"]
    unknown = projects_pb2.UpdateProjectRequest(project_id=project.project_id, classification_type=9)  # type: ignore[arg-type]
    assert (await refusal_of(stub.UpdateProject(unknown))).fields == ["classification_type"]
    assert (await stub.GetProject(projects_pb2.GetProjectRequest(project_id=project.project_id))).name == "park"


async def test_export_platforms_are_kept_as_given(stub: Stub) -> None:
    """Those of creation stay until others, or none, come in their place; too many, too long and empty are refused."""
    request = projects_pb2.CreateProjectRequest(
        name="garden", target_export_platforms=["ONNX", "ONNX", "vaidk"], request_id=REQUEST
    )
    project = await stub.CreateProject(request)
    assert list(project.target_export_platforms) == ["ONNX", "ONNX", "vaidk"]
    assert project.status == projects_pb2.PROJECT_STATUS_SUCCEEDED
    assert await stub.CreateProject(request) == project
    request.target_export_platforms.append("CoreML")
    assert (await refusal_of(stub.CreateProject(request))).reason == "REQUEST_ID_REUSED"

    def update(*platforms: str, **fields: Any) -> projects_pb2.UpdateProjectRequest:
        return projects_pb2.UpdateProjectRequest(
            project_id=project.project_id,
            target_export_platforms=projects_pb2.TargetExportPlatforms(platforms=platforms),
            **fields,
        )

    renamed = projects_pb2.UpdateProjectRequest(project_id=project.project_id, name="park")
    assert len((await stub.UpdateProject(renamed)).target_export_platforms) == 3
    assert list((await stub.UpdateProject(update("CoreML"))).target_export_platforms) == ["CoreML"]
    many = await refusal_of(stub.UpdateProject(update(*["x"] * 17, name="new")))
    assert (many.reason, many.fields) == ("TOO_MANY_ITEMS", ["target_export_platforms"])
    for platform in ("", "x" * 65, "a\nb"):
        refusal = await refusal_of(stub.UpdateProject(update("ONNX", platform)))
        assert (refusal.reason, refusal.fields) == ("NAME_INVALID", ["target_export_platforms[1]"])
    assert list((await stub.UpdateProject(update())).target_export_platforms) == []


async def test_a_project_is_known_by_its_newest_image(stub: Stub) -> None:
    """The thumbnail is an image of the current data set, in lists as well; without images there is none."""
    project_id = (await make_project(stub)).project_id
    get = projects_pb2.GetProjectRequest(project_id=project_id)
    assert (await stub.GetProject(get)).thumbnail_image_id == ""
    images = await add_photos(stub, project_id, range(3))
    [listed] = (await stub.ListProjects(projects_pb2.ListProjectsRequest())).projects
    assert listed.thumbnail_image_id == images[-1].image_id
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[images[-1].image_id]))
    assert (await stub.GetProject(get)).thumbnail_image_id == images[1].image_id


async def test_a_project_becomes_multiclass_only_with_one_tag_per_image(stub: Stub) -> None:
    """Images with two tags stand in the way, and the message counts them."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    tag_ids = [await make_tag(stub, project_id, name) for name in ("a", "b")]
    await add_photos(stub, project_id, [1], tag_ids)
    multiclass = projects_pb2.UpdateProjectRequest(
        project_id=project_id, classification_type=projects_pb2.CLASSIFICATION_TYPE_MULTICLASS
    )
    refusal = await refusal_of(stub.UpdateProject(multiclass))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SEVERAL_TAGS_PER_IMAGE")
    assert "1 image carries" in refusal.message


async def test_counts_follow_the_data_set(stub: Stub) -> None:
    """image_count and tag_count are those of the current data set."""
    project_id = (await make_project(stub)).project_id
    await make_tag(stub, project_id, "rose")
    await add_photos(stub, project_id, range(3))
    project = await stub.GetProject(projects_pb2.GetProjectRequest(project_id=project_id))
    assert (project.image_count, project.tag_count) == (3, 1)


async def test_deleting_a_project_removes_all_in_it(stub: Stub) -> None:
    """After the deletion neither the project nor anything in it is found; a second deletion says so."""
    project_id = (await make_project(stub)).project_id
    tag_id = await make_tag(stub, project_id, "rose")
    await add_photos(stub, project_id, range(3), [tag_id])
    request = projects_pb2.DeleteProjectRequest(project_id=project_id)
    assert await stub.DeleteProject(request) == empty_pb2.Empty()
    refusal = await refusal_of(stub.DeleteProject(request))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND")


async def test_a_project_in_training_is_not_deleted(stub: Stub) -> None:
    """An iteration in training holds its project."""
    project_id, _ = await make_trainable(stub)
    await freeze(stub, project_id)
    refusal = await refusal_of(stub.DeleteProject(projects_pb2.DeleteProjectRequest(project_id=project_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PROJECT_IN_USE")
    assert "Iteration 1" in refusal.message


async def test_ids_that_are_no_ids_are_not_found(stub: Stub) -> None:
    """Whatever an id holds, the answer is NOT_FOUND with the id in its metadata, short enough to arrive."""
    for project_id in ("", "nonsense", MISSING, "x" * 20_000, "'; --", "🌷"):
        refusal = await refusal_of(stub.GetProject(projects_pb2.GetProjectRequest(project_id=project_id)))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND")
        assert len(refusal.metadata["project_id"]) <= 200
