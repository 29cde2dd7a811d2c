"""Backbones in words, and which models would gain from another one."""

import shlex

from customvision.cli.display.console import notes, printable
from customvision.v1 import iterations_pb2, training_service_pb2

_SOURCES = {
    iterations_pb2.WEIGHTS_SOURCE_PATH: "weights from the file that CUSTOMVISION_BACKBONE_WEIGHTS names",
    iterations_pb2.WEIGHTS_SOURCE_DATA_FOLDER: "weights from a file in the data folder",
    iterations_pb2.WEIGHTS_SOURCE_KERAS_DOWNLOAD: "ImageNet weights that Keras downloaded",
    iterations_pb2.WEIGHTS_SOURCE_RANDOM: "random weights",
    iterations_pb2.WEIGHTS_SOURCE_BUILT_IN: "the small built-in weights",
}


def backbone_words(backbone: iterations_pb2.Backbone) -> str:
    """Returns what a backbone is and where its weights come from; empty where it is not known."""
    if not backbone.backbone_id:
        return ""
    return f"{backbone.architecture}, {_SOURCES.get(backbone.weights_source, 'weights of unknown origin')}"


def print_offer(program: str, project: str, answer: training_service_pb2.GetBackboneResponse) -> None:
    """Names the project's models that would gain from training again, and the command for it, where there are any.

    So it does with those for which a better iteration waits to be published. ``program`` is how this program is
    started and ``project`` the project's name, or its id.
    """
    for iteration in answer.improvable_iterations:
        retrain = [program, "retrain", "--project", project, "--publish-name", iteration.publish_name]
        news = f"Now there is {_better(answer.backbone, iteration.backbone)}. Train it again:"
        _print_offer(project, iteration, news, retrain)
    for renewed in answer.renewed_iterations:
        name, newer = renewed.published.publish_name, renewed.newer_iteration_name
        publish = [program, "iterations", "publish", newer, "--project", project, "--publish-name", name, "--overwrite"]
        news = f"'{newer}' rests on {_better(renewed.newer_backbone, renewed.published.backbone)}. Publish it:"
        _print_offer(project, renewed.published, news, publish)


def _better(backbone: iterations_pb2.Backbone, used: iterations_pb2.Backbone) -> str:
    better = backbone_words(backbone)
    if better == backbone_words(used):
        better = "a newer version of it"
    return f"{better}, which is usually more accurate"


def _print_offer(
    project: str, iteration: training_service_pb2.ImprovableIteration, news: str, command: list[str]
) -> None:
    used = f"'{iteration.publish_name}' of '{project}' rests on {backbone_words(iteration.backbone)}."
    notes.print(printable(f"{used} {news}"), style="yellow")
    notes.print(f"  {printable(shlex.join(command))}", style="bold", soft_wrap=True)
