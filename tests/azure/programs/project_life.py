"""The whole life of a project through an unmodified Azure SDK for Python, every operation that the version has.

``python project_life.py FOLDER URL``: FOLDER has photos in sub-folders Hemlock, Cherry and Other, URL leads to FOLDER.
Where everything is, and the keys, come from the environment variables of Microsoft's quickstarts.
"""

import io
import os
import sys
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any

from azure.cognitiveservices.vision.customvision.training import models
from sdk import ENDPOINT, Failure, code_of, download, prediction_client, training_client

FOLDER, URL = Path(sys.argv[1]), sys.argv[2]
PUBLISHED = "my model/1"
training, prediction = training_client(), prediction_client()


def photos(name: str) -> list[Path]:
    """Returns the photos of a sub-folder, in order."""
    return sorted((FOLDER / name).iterdir())


def wait_for(what: str, look: Any, wanted: str) -> Any:
    """Asks until the status is the wanted one; nothing else may come after it."""
    deadline = time.monotonic() + 60
    while (found := look()).status != wanted:
        assert found.status in ("Training", "Exporting", "Importing"), (what, found.status)
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


def make_project() -> Any:
    """Makes a project in a compact domain, looks it up and changes it."""
    domain = next(each for each in training.get_domains() if each.name == "General (compact)")
    assert training.get_domain(domain.id).exportable
    project = training.create_project(uuid.uuid4(), domain_id=domain.id)
    assert project.settings.classification_type == "Multilabel"
    assert project.settings.domain_id == domain.id
    assert project.thumbnail_uri is None
    assert project.id in [each.id for each in training.get_projects()]
    project.description = "hemlocks and cherries"
    assert training.update_project(project.id, project).description == "hemlocks and cherries"
    assert training.get_project(project.id).name == project.name
    return project


def make_tags(project: Any) -> tuple[Any, Any]:
    """Makes two tags, and a third that is changed and deleted again."""
    hemlock = training.create_tag(project.id, "Hemlock", description="a conifer")
    cherry = training.create_tag(project.id, "Japanese Cherry")
    spare = training.create_tag(project.id, "spare", type="Negative")
    assert code_of(training.create_tag, project.id, "Hemlock") == "BadRequestTagNameNotUnique"
    assert training.update_tag(project.id, spare.id, models.Tag(name="other", description="", type="Regular"))
    assert training.get_tag(project.id, spare.id).name == "other"
    training.delete_tag(project.id, spare.id)
    assert [tag.name for tag in training.get_tags(project.id)] == ["Hemlock", "Japanese Cherry"]
    assert (hemlock.type, hemlock.image_count, cherry.description) == ("Regular", 0, None)
    return hemlock, cherry


def upload(project: Any, hemlock: Any, cherry: Any) -> None:
    """Uploads photos in every way that there is; duplicates and addresses that lead nowhere are told."""
    first, second, third, *others = photos("Hemlock")
    with third.open("rb") as file:
        for content in (first.read_bytes(), io.BytesIO(second.read_bytes()), file):
            summary = training.create_images_from_data(project.id, content, tag_ids=[hemlock.id])
            assert summary.is_batch_successful, summary.images[0].status
            assert summary.images[0].image.id
    entries = [
        models.ImageFileCreateEntry(name=path.name, contents=path.read_bytes(), tag_ids=[tag.id])
        for tag, paths in ((hemlock, others), (cherry, photos("Cherry")))
        for path in paths
    ]
    summary = training.send_batch("create_images_from_files", models.ImageFileCreateBatch, project.id, images=entries)
    assert summary.is_batch_successful, [image.status for image in summary.images]
    assert [image.source_url for image in summary.images] == [entry.name for entry in entries]
    summary = training.send_batch(
        "create_images_from_files", models.ImageFileCreateBatch, project.id, images=entries[:1]
    )
    assert (summary.is_batch_successful, summary.images[0].status) == (False, "OKDuplicate")
    links = [models.ImageUrlCreateEntry(url=f"{URL}/Other/{name}") for name in (photos("Other")[0].name, "none.jpg")]
    summary = training.send_batch("create_images_from_urls", models.ImageUrlCreateBatch, project.id, images=links)
    assert [image.status for image in summary.images] == ["OK", "ErrorSource"]
    assert not summary.is_batch_successful


def look_at_images(project: Any, hemlock: Any) -> None:
    """Lists, counts, tags and untags images, and opens their links without a key."""
    assert training.get_tagged_image_count(project.id) == 20
    assert training.get_untagged_image_count(project.id) == 1
    page = training.get_tagged_images(project.id, tag_ids=[hemlock.id], take=4, skip=8)
    assert len(page) == 2
    [untagged] = training.get_untagged_images(project.id)
    assert not untagged.tags
    assert download(untagged.original_image_uri)[:2] == b"\xff\xd8"
    assert download(untagged.thumbnail_uri)
    pair = models.ImageTagCreateEntry(image_id=untagged.id, tag_id=hemlock.id)
    assert len(training.create_image_tags(project.id, tags=[pair]).created) == 1
    [found] = training.get_images_by_ids(project.id, image_ids=[untagged.id])
    assert [tag.tag_name for tag in found.tags] == ["Hemlock"]
    training.delete_image_tags(project.id, image_ids=[untagged.id], tag_ids=[hemlock.id])
    assert training.get_untagged_image_count(project.id) == 1
    assert training.get_project(project.id).thumbnail_uri
    if training.has("get_images"):
        look_at_metadata(project, untagged)
    for call, arguments in (
        (training.get_image_region_proposals, (untagged.id,)),
        (training.create_image_regions, ()),
        (training.delete_image_regions, ([untagged.id],)),
    ):
        assert code_of(call, project.id, *arguments) == "BadRequestNotSupported"


def look_at_metadata(project: Any, image: Any) -> None:
    """Gives an image metadata, finds it by them, and reads its file as an artifact."""
    summary = training.update_image_metadata(project.id, [image.id], {"camera": "front door"})
    assert summary.is_batch_successful
    for condition, count in (("camera eq 'front door'", 1), ("camera eq 'back door'", 0)):
        found = training.get_images(project.id, tagging_status="All", filter=condition)
        assert [each.metadata["camera"] for each in found] == ["front door"] * count
        assert training.get_image_count(project.id, filter=condition) == count
    content = b"".join(training.get_artifact(project.id, f"/i-{project.id}/i-{image.id}"))
    assert content[:2] == b"\xff\xd8"


def train(project: Any) -> Any:
    """Trains, is told that nothing changed, and looks at the iteration."""
    begun = training.train_project(project.id)
    assert begun.status == "Training", begun.status
    iteration = wait_for("training", lambda: training.get_iteration(project.id, begun.id), "Completed")
    assert (iteration.exportable, iteration.publish_name) == (True, None)
    assert iteration.trained_at
    try:
        training.train_project(project.id)
    except Failure as error:
        assert error.error.code == "BadRequestTrainingNotNeeded"
        assert error.response.status_code == 400
        assert str(error).startswith("Nothing changed since last training")
    else:
        raise AssertionError("trained again")
    assert [each.id for each in training.get_iterations(project.id)] == [iteration.id]
    assert training.update_iteration(project.id, iteration.id, "first").name == "first"
    return iteration


def measure(project: Any, iteration: Any) -> None:
    """Reads the figures at two thresholds, and the images that they come from."""
    for threshold in (0.5, 0.9):
        figures = training.get_iteration_performance(project.id, iteration.id, threshold=threshold)
        assert {tag.name for tag in figures.per_tag_performance} == {"Hemlock", "Japanese Cherry"}
        assert 0 <= figures.precision <= 1
    count = training.get_image_performance_count(project.id, iteration.id)
    held_out = training.get_image_performances(project.id, iteration.id)
    assert count == len(held_out) == 4
    assert held_out[0].predictions
    assert download(held_out[0].image_uri)


def predict(project: Any, iteration: Any, hemlock: Any) -> None:
    """Publishes and predicts in every way at once; a quick test needs no name."""
    resource = os.environ["VISION_PREDICTION_RESOURCE_ID"]
    # Microsoft's own quickstart publishes twice.
    for _ in range(2):
        assert training.publish_iteration(project.id, iteration.id, PUBLISHED, resource) is True
    photo = photos("Hemlock")[0]
    for name in ("classify_image", "classify_image_with_no_store"):
        check(
            getattr(prediction, name)(project.id, PUBLISHED, photo.read_bytes(), application="app"), hemlock, iteration
        )
    for name in ("classify_image_url", "classify_image_url_with_no_store"):
        check(getattr(prediction, name)(project.id, PUBLISHED, url=f"{URL}/Hemlock/{photo.name}"), hemlock, iteration)
    check(training.quick_test_image(project.id, photo.read_bytes(), iteration_id=iteration.id), hemlock, iteration)
    check(training.quick_test_image_url(project.id, url=f"{URL}/Hemlock/{photo.name}"), hemlock, iteration)
    assert code_of(prediction.classify_image, project.id, "other", photo.read_bytes()).startswith("NotFound")
    for name in ("detect_image", "detect_image_with_no_store"):
        assert code_of(getattr(prediction, name), project.id, PUBLISHED, b"x") == "BadRequestNotSupported"
    for name in ("detect_image_url", "detect_image_url_with_no_store"):
        assert code_of(getattr(prediction, name), project.id, PUBLISHED, url=URL) == "BadRequestNotSupported"


def check(answer: Any, tag: Any, iteration: Any) -> None:
    """Checks that an answer names the tag first and where it comes from."""
    assert answer.predictions[0].tag_id == tag.id
    assert answer.predictions[0].tag_name == tag.name
    assert answer.predictions[0].probability > answer.predictions[1].probability
    assert answer.iteration == iteration.id
    assert answer.created


def improve(project: Any, hemlock: Any, iteration: Any) -> None:
    """Pages through the stored predictions, makes one a training image and deletes the others."""
    found = every_prediction(project)
    # Answers are kept in the background: programs that ask at once may come too early.
    deadline = time.monotonic() + 30
    while len({each.id for each in found}) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
        found = every_prediction(project)
    assert len({each.id for each in found}) == 4
    assert found[0].created >= found[-1].created
    assert download(found[0].thumbnail_uri)
    by_application = models.PredictionQueryToken(order_by="Newest", application="app")
    assert [each.id for each in training.query_predictions(project.id, by_application).results] == [found[-1].id]
    summary = training.send_batch(
        "create_images_from_predictions",
        models.ImageIdCreateBatch,
        project.id,
        images=[models.ImageIdCreateEntry(id=found[0].id, tag_ids=[hemlock.id])],
    )
    # The photo that was asked about is one of those that it learned from.
    assert [image.status for image in summary.images] == ["OKDuplicate"]
    training.delete_prediction(project.id, [each.id for each in found[1:]])
    assert training.query_predictions(project.id, models.PredictionQueryToken(order_by="Newest")).results == []
    if training.has("suggest_tags_and_regions"):
        suggest(project, hemlock, iteration)


def every_prediction(project: Any) -> list[Any]:
    """Asks for the predictions that are kept, three at a time, the newest first."""
    query = models.PredictionQueryToken(order_by="Newest", max_count=3)
    found: list[Any] = []
    while True:
        page = training.query_predictions(project.id, query)
        found += page.results
        if not page.token.continuation:
            return found
        query = page.token


def suggest(project: Any, hemlock: Any, iteration: Any) -> None:
    """Asks for tags of the untagged image."""
    [untagged] = training.get_untagged_images(project.id)
    [suggestion] = training.suggest_tags_and_regions(project.id, iteration.id, [untagged.id])
    assert suggestion.prediction_uncertainty >= 0
    tags = [prediction.tag_id for prediction in suggestion.predictions]
    query = models.SuggestedTagAndRegionQueryToken(tag_ids=tags, threshold=0.0, sort_by="UncertaintyAscending")
    [stored] = training.query_suggested_images(project.id, iteration.id, query).results
    assert stored.id == untagged.id
    counts = training.query_suggested_image_count(project.id, iteration.id, tag_ids=tags, threshold=0.0)
    assert set(counts) == set(tags)
    assert hemlock.id in counts


def export(project: Any, iteration: Any) -> None:
    """Exports the model and reads the zip without a key."""
    assert training.export_iteration(project.id, iteration.id, "ONNX").platform == "ONNX"
    done = wait_for("export", lambda: training.get_exports(project.id, iteration.id)[0], "Done")
    with zipfile.ZipFile(io.BytesIO(download(done.download_uri))) as package:
        assert [name for name in package.namelist() if name.endswith(".onnx")]


def copy(project: Any) -> None:
    """Copies the project by a token and deletes the copy."""
    ticket = training.export_project(project.id)
    assert ticket.image_count >= 21
    imported = training.import_project(ticket.token)
    wait_for("import", lambda: training.get_project(imported.id), "Succeeded")
    assert imported.name == f"{project.name} (1)"
    assert training.get_tagged_image_count(imported.id) == training.get_tagged_image_count(project.id)
    training.delete_project(imported.id)


def end(project: Any, iteration: Any) -> None:
    """Takes the model out of service and deletes everything, in the order that is allowed."""
    assert code_of(training.delete_project, project.id).startswith("BadRequest")
    training.unpublish_iteration(project.id, iteration.id)
    training.delete_iteration(project.id, iteration.id)
    [image] = training.get_untagged_images(project.id)
    training.delete_images(project.id, image_ids=[image.id])
    assert training.get_untagged_image_count(project.id) == 0
    training.delete_project(project.id)
    assert code_of(training.get_project, project.id) == "NotFoundProject"


def main() -> None:
    """Lives the life, then checks that no operation of this version was left out."""
    project = make_project()
    hemlock, cherry = make_tags(project)
    upload(project, hemlock, cherry)
    look_at_images(project, hemlock)
    iteration = train(project)
    measure(project, iteration)
    predict(project, iteration, hemlock)
    improve(project, hemlock, iteration)
    export(project, iteration)
    if training.has("export_project"):
        copy(project)
    end(project, iteration)
    assert not training.never_called(), training.never_called()
    assert not prediction.never_called(), prediction.never_called()
    assert ENDPOINT.startswith("http://")


main()
