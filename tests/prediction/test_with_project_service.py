"""Prediction beside the real project service."""

import dataclasses
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.server import Server
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service
from customvision.v1 import (
    artifacts_pb2,
    images_pb2,
    iterations_pb2,
    projects_pb2,
    stored_predictions_pb2,
    suggestions_pb2,
    tags_pb2,
)
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import digest_of
from models import backbone, model
from pictures import photo
from prediction.running_suite import Prediction, Suite
from project_calls import freeze, make_trainable, refusal_of
from project_copying import complete_with_model, copied, iterations_of, tags_of

if TYPE_CHECKING:
    from customvision.v1.project_service_pb2_grpc import ProjectServiceAsyncStub

RED = photo(1, color=(220, 40, 90))


class Owner:
    """A user of the project service who trains without training."""

    def __init__(self, stub: "ProjectServiceAsyncStub") -> None:
        self.stub = stub

    async def new_project(self) -> str:
        """Returns the id of a project with two tags of ten pictures each."""
        project = await self.stub.CreateProject(projects_pb2.CreateProjectRequest(name="colours"))
        for index, name in enumerate(("red", "green")):
            tag = await self.stub.CreateTag(tags_pb2.CreateTagRequest(project_id=project.project_id, name=name))
            uploads = [images_pb2.ImageUpload(image_data=photo(100 * index + seed)) for seed in range(10)]
            await self.stub.CreateImages(
                images_pb2.CreateImagesRequest(project_id=project.project_id, images=uploads, tag_ids=[tag.tag_id])
            )
        return project.project_id

    async def published(self, project_id: str, tag_names: tuple[str, ...]) -> str:
        """Completes an iteration with a model of those tags, publishes it as 'live', and returns its id."""
        artifact = model(tag_names)
        digests = [await self._upload(data) for data in (artifact.to_bytes(), backbone().to_bytes(), b"{}")]
        iteration = await self.stub.CreateIteration(
            iterations_pb2.CreateIterationRequest(project_id=project_id, force=True)
        )
        await self.stub.CompleteIteration(
            iterations_pb2.CompleteIterationRequest(
                project_id=project_id,
                iteration_id=iteration.iteration_id,
                backbone=iterations_pb2.Backbone(
                    backbone_id="means-1",
                    architecture="means",
                    weights_source=iterations_pb2.WEIGHTS_SOURCE_RANDOM,
                    weights_sha256=digests[1],
                ),
                artifacts=iterations_pb2.IterationArtifacts(
                    model_sha256=digests[0],
                    backbone_sha256=digests[1],
                    backbone_weights_sha256=digests[1],
                    evaluation_sha256=digests[2],
                ),
                metrics=iterations_pb2.IterationMetrics(held_out_image_count=1),
            )
        )
        await self.stub.PublishIteration(
            iterations_pb2.PublishIterationRequest(
                project_id=project_id, iteration_id=iteration.iteration_id, publish_name="live", overwrite=True
            )
        )
        return iteration.iteration_id

    async def _upload(self, data: bytes) -> str:
        def requests() -> Iterator[artifacts_pb2.UploadArtifactRequest]:
            header = artifacts_pb2.UploadArtifactHeader(sha256=digest_of(data), size_bytes=len(data))
            yield artifacts_pb2.UploadArtifactRequest(header=header)
            yield artifacts_pb2.UploadArtifactRequest(data=data)

        return (await self.stub.UploadArtifact(requests())).sha256


@pytest.fixture
async def owner(settings: Settings, keys: Keys) -> AsyncIterator[tuple[Owner, Suite]]:
    """A user of a real project service, and a suite whose prediction services follow it."""
    async with open_project_service(settings) as definition:
        server = Server(definition, "127.0.0.1:0", KeyRing(keys))
        address = await server.start()
        channel = open_channel(address, keys)
        stub: ProjectServiceAsyncStub = ProjectServiceStub(channel)
        yield Owner(stub), Suite(dataclasses.replace(settings, project_address=address), keys)
        await channel.close()
        await server.stop()


async def test_follows_a_project_from_publication_to_withdrawal(owner: tuple[Owner, Suite]) -> None:
    """Published, replaced, asked, stored, restarted, withdrawn: each step shows in prediction."""
    user, suite = owner
    project_id = await user.new_project()
    async with suite.prediction() as prediction:
        first = await user.published(project_id, ("red", "green"))
        assert (await prediction.predict(project_id, "live", RED)).iteration_id == first
        second = await user.published(project_id, ("rouge", "vert"))
        await prediction.serving(second)
        answer = await prediction.predict(project_id, "live", RED, store=True)
        assert (answer.iteration_id, answer.predictions[0].tag_name) == (second, "rouge")
    # Draining has sent what was to be stored.
    request = stored_predictions_pb2.ListPredictionsRequest(project_id=project_id)
    (kept,) = (await user.stub.ListPredictions(request)).predictions
    assert (kept.prediction_id, kept.iteration_id) == (answer.prediction_id, second)
    assert [tag.tag_name for tag in kept.predictions] == ["rouge", "vert"]
    async with suite.prediction() as prediction:
        assert (await prediction.predict(project_id, "", RED)).iteration_id == second
        await _withdraw(user, prediction, project_id, second)


async def test_a_copy_answers_with_its_own_tags(owner: tuple[Owner, Suite]) -> None:
    """The model of a copied project, published, names the tags of the copy and answers as that of the source."""
    user, suite = owner
    project_id, tag_ids = await make_trainable(user.stub)
    await complete_with_model(user.stub, await freeze(user.stub, project_id))
    copy = await copied(user.stub, project_id)
    async with suite.prediction() as prediction:
        published = []
        for owner_id in (project_id, copy.project_id):
            [iteration] = await iterations_of(user.stub, owner_id)
            publication = iterations_pb2.PublishIterationRequest(
                project_id=owner_id, iteration_id=iteration.iteration_id, publish_name="live"
            )
            published.append(await user.stub.PublishIteration(publication))
        await prediction.serving(*[iteration.iteration_id for iteration in published])
        answers = [(await prediction.predict(it.project_id, "live", RED)).predictions for it in published]
    own = {tag.name: tag.tag_id for tag in await tags_of(user.stub, copy.project_id)}
    assert [(it.tag_id, it.tag_name) for it in answers[1]] == [(own[it.tag_name], it.tag_name) for it in answers[0]]
    assert [it.probability for it in answers[1]] == [it.probability for it in answers[0]]
    assert {it.tag_id for it in answers[0]} == set(tag_ids)


async def test_an_iteration_can_be_asked_until_it_is_deleted(owner: tuple[Owner, Suite]) -> None:
    """By its id it answers while it is published and when it no longer is; its answer is stored like any other."""
    user, suite = owner
    project_id = await user.new_project()
    async with suite.prediction() as prediction:
        iteration_id = await user.published(project_id, ("red", "green"))
        question = messages.PredictRequest(project_id=project_id, iteration_id=iteration_id, image_data=RED, store=True)
        assert (await prediction.ask(question)).predictions[0].tag_name == "red"
        await _withdraw(user, prediction, project_id, iteration_id)
        assert (await prediction.ask(question)).iteration_id == iteration_id
        deletion = iterations_pb2.DeleteIterationRequest(project_id=project_id, iteration_id=iteration_id)
        await user.stub.DeleteIteration(deletion)
        refusal = await refusal_of(prediction.ask(question))
    assert refusal.reason == "ITERATION_NOT_FOUND"
    listing = stored_predictions_pb2.ListPredictionsRequest(project_id=project_id)
    kept = (await user.stub.ListPredictions(listing)).predictions
    assert [(it.iteration_id, it.publish_name) for it in kept] == [(iteration_id, "")] * 2


async def test_suggestions_are_kept_until_their_image_has_a_tag(owner: tuple[Owner, Suite]) -> None:
    """A model answers for images without a tag, the project lists it, least certain first, and it goes with the tag."""
    user, suite = owner
    project_id = await user.new_project()
    iteration_id = await user.published(project_id, ("red", "green"))
    [tagged, *_] = (await user.stub.ListImages(images_pb2.ListImagesRequest(project_id=project_id))).images
    uploads = [images_pb2.ImageUpload(image_data=data) for data in (RED, photo(2, color=(40, 220, 90)))]
    created = await user.stub.CreateImages(images_pb2.CreateImagesRequest(project_id=project_id, images=uploads))
    red, green = [result.image_id for result in created.results]
    async with suite.prediction() as prediction:
        request = messages.SuggestTagsRequest(
            project_id=project_id, iteration_id=iteration_id, image_ids=[green, tagged.image_id, red]
        )
        suggested = list((await prediction.stub.SuggestTags(request)).suggestions)
    assert [(it.image_id, it.predictions[0].tag_name) for it in suggested] == [(green, "green"), (red, "red")]
    assert all(0 < it.uncertainty < 1 and it.create_time.seconds > 0 for it in suggested)
    listing = suggestions_pb2.ListSuggestionsRequest(project_id=project_id, iteration_id=iteration_id)
    listed = list((await user.stub.ListSuggestions(listing)).suggestions)
    assert listed == sorted(suggested, key=lambda it: -it.uncertainty)
    await user.stub.TagImages(
        images_pb2.TagImagesRequest(project_id=project_id, image_ids=[red], tag_ids=tagged.tag_ids)
    )
    assert [it.image_id for it in (await user.stub.ListSuggestions(listing)).suggestions] == [green]


async def test_stored_answers_are_found_by_the_label_of_the_caller(owner: tuple[Owner, Suite]) -> None:
    """The label that came with the question is one to list by."""
    user, suite = owner
    project_id = await user.new_project()
    async with suite.prediction() as prediction:
        iteration_id = await user.published(project_id, ("red", "green"))
        await prediction.serving(iteration_id)
        for label in ("gate", "shed"):
            question = messages.PredictRequest(project_id=project_id, image_data=RED, store=True, application=label)
            await prediction.ask(question)
    listing = stored_predictions_pb2.ListPredictionsRequest(project_id=project_id, application="shed")
    (kept,) = (await user.stub.ListPredictions(listing)).predictions
    assert kept.application == "shed"


async def _withdraw(user: Owner, prediction: Prediction, project_id: str, iteration_id: str) -> None:
    await user.stub.UnpublishIteration(
        iterations_pb2.UnpublishIterationRequest(project_id=project_id, iteration_id=iteration_id)
    )
    await prediction.serving()
