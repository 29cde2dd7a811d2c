"""What the services of a suite answer in the story of `train`, as scripts."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from customvision.v1 import images_pb2, iterations_pb2, projects_pb2, tags_pb2
from customvision.v1 import prediction_service_pb2 as prediction
from customvision.v1 import training_service_pb2 as training
from scripted_server import ScriptedCall
from told_events import COUNT, RUN, events_after

Script = Callable[[ScriptedCall], Any]
ITERATION = iterations_pb2.Iteration(iteration_id="i", name="Iteration 1", image_count=2)


def stored(call: ScriptedCall) -> images_pb2.UploadImagesResponse:
    """Answers that every image is stored."""
    results = [
        images_pb2.ImageCreateResult(index=index, status=images_pb2.IMAGE_CREATE_STATUS_OK, image_id=str(index))
        for index in range(len(call.request) - 1)
    ]
    return images_pb2.UploadImagesResponse(results=results)


def watched(call: ScriptedCall) -> Iterator[training.TrainingEvent]:
    """Tells a run to its end."""
    yield from events_after(call.request.after_sequence, COUNT)


def served(_: ScriptedCall) -> prediction.ListModelsResponse:
    """Answers that the iteration is served."""
    model = prediction.ServedModel(publish_name="production", iteration_id="i", serving_iteration_id="i")
    return prediction.ListModelsResponse(models=[model])


SCRIPTS: Mapping[str, Script] = {
    "ListProjects": lambda _: projects_pb2.ListProjectsResponse(),
    "CreateProject": lambda call: projects_pb2.Project(project_id="p", name=call.request.name),
    "ListTags": lambda _: tags_pb2.ListTagsResponse(),
    "CreateTag": lambda call: tags_pb2.Tag(tag_id=call.request.name, name=call.request.name),
    "FindImages": lambda _: images_pb2.FindImagesResponse(),
    "UploadImages": stored,
    "ListTrainingRuns": lambda _: training.ListTrainingRunsResponse(),
    "StartTraining": lambda _: training.TrainingRun(training_run_id=RUN, iteration_id="i"),
    "WatchTraining": watched,
    "GetIteration": lambda _: ITERATION,
    "PublishIteration": lambda _: ITERATION,
    "ListModels": served,
    "GetPerformance": lambda _: training.IterationPerformance(),
}
