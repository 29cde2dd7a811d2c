"""Run as a process of its own, for Keras stays out of the tests': each family's network parted for fine-tuning.

For each of NAMES, below a folder of that name: ``tuned.weights.h5``, the backbone after its tunable variables have
changed, and ``answers.npz``: ``pictures``, a head's ``weights`` and ``bias``, the ``logits`` of the changed network,
and how far (``difference``) the parts were, before, from the features of the whole network with the head on them.
``cuts.json`` says after which layer each network was parted, and how many variables are tunable; also of NARROW, whose
weights have no values. ``courses.npz`` has
the first variables of one network before it learned (``untuned``), and after each of two like courses.
"""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from customvision.training.backbones.architectures import architecture_of
from customvision.training.backbones.network import bare_network, save_network, with_levels, with_pixels_in
from customvision.training.backbones.weights_file import LEVELS, LEVELS_AND_SPREAD
from customvision.training.children.child import Reports
from customvision.training.computation.fine_tuning.activations import Activations
from customvision.training.computation.fine_tuning.course import Course, Lessons, Place
from customvision.training.computation.fine_tuning.network import TunableNetwork, _cut, tunable_network
from customvision.training.computation.fine_tuning.time_left import TimeLeft
from customvision.training.runs.event import FineTuningCourse
from customvision.vision.head import Head

NAMES = (
    "mobilenet_v1_0.25_64",
    "mobilenet_v2_0.35_64",
    "mobilenet_v2_1.0_64",
    "mobilenet_v3_large_0.75_64",
    "mobilenet_v3_small_0.75_64",
)
NARROW = "mobilenet_v2_0.35_96"
# The one whose features tell the spread of inner maps.
WITH_SPREAD = "mobilenet_v2_0.35_64"
TAGS, PICTURES = 3, 4
# The quickest to learn.
LEARNING = "mobilenet_v1_0.25_64"
# So long that the clock does not touch the schedule.
AGES = 1e12
random = np.random.default_rng(0)


def main(folder: Path) -> None:
    """Writes everything."""
    cuts = {name: part(name, folder / name) for name in NAMES} | {NARROW: cut_of(NARROW)}
    (folder / "cuts.json").write_text(json.dumps(cuts))


def cut_of(name: str) -> list[object]:
    """Returns the name of a network's last frozen layer, its shape, and what is tunable."""
    # Values for its weights, and saving and reading them, would take seconds.
    with keras.StatelessScope(initialize_variables=False):
        bare = bare_network(architecture_of(name))
    cut = _cut(bare)
    tail = keras.Model(cut.output, bare.output)
    return [cut.name, list(cut.output.shape[1:]), len(tail.trainable_variables)]


def part(name: str, folder: Path) -> list[object]:
    """Writes the files of one network; returns the name of the last frozen layer, its shape, and what is tunable."""
    folder.mkdir()
    architecture = architecture_of(name)
    bare = bare_network(architecture)
    bare.set_weights([drawn(variable) for variable in bare.weights])
    file = folder / "own.weights.h5"
    features = LEVELS_AND_SPREAD if name == WITH_SPREAD else LEVELS
    save_network(bare, file, features)
    whole = with_pixels_in(with_levels(bare, architecture, features))
    side, width = architecture.input_size, whole.output.shape[-1]
    head = Head(random.normal(size=(width, TAGS)).astype(np.float32), np.zeros(TAGS, np.float32), multilabel=False)
    pictures = random.integers(0, 256, (PICTURES, side, side, 3), dtype=np.uint8)
    seen = np.asarray(whole(pictures.astype(np.float32), training=False))
    network = tunable_network(file, head)
    difference = np.abs(network.logits_of_pixels(pictures) - (seen @ head.weights + head.bias)).max()
    network.set_tunable([values * 1.05 + 0.002 for values in network.tunable])
    network.save_backbone(folder / "tuned.weights.h5")
    weights, bias = network.head()
    logits = network.logits_of_pixels(pictures)
    np.savez(
        folder / "answers.npz", pictures=pictures, weights=weights, bias=bias, logits=logits, difference=difference
    )
    if name == LEARNING:
        np.savez(folder.parent / "courses.npz", **courses(network, head, pictures, folder))
    cut = network.frozen.layers[-1].outputs[0]._keras_history.operation.name
    return [cut, list(network.frozen.outputs[0].shape[1:]), len(network.tunable)]


def courses(network: TunableNetwork, head: Head, pictures: Any, folder: Path) -> dict[str, Any]:
    """Returns the first variables of a network before two like courses, and after each of them."""
    maps, levels = (np.asarray(part) for part in network.look(pictures.astype(np.float32)))
    truth = np.eye(TAGS, dtype=np.uint8)[np.arange(PICTURES) % TAGS]
    lessons = Lessons(
        Activations([maps] * 3, [levels] * 3), np.arange(PICTURES), truth, np.ones(PICTURES), multilabel=False
    )
    network.begin(head)
    outcomes = {"untuned": network.tunable[0]}
    for name in ("first", "second"):
        network.begin(head)
        time_left = TimeLeft(lambda: 600.0)
        time_left.begin(2, [])
        place = Place(FineTuningCourse.TRIAL, 0)
        Course(2, AGES, 0.0, folder / f"{name}.npz", "", place, time_left).run(network, lessons, None, Reports())
        outcomes[name] = network.tunable[0]
    return outcomes


def drawn(variable: Any) -> Any:
    """Returns values that keep a network's answers of ordinary size; variances stay positive."""
    values = random.normal(0.0, 1.0, variable.shape)
    name = variable.path.rpartition("/")[2]
    if name in ("gamma", "moving_variance"):
        return 1.0 + 0.1 * np.abs(values)
    if name in ("beta", "moving_mean", "bias"):
        return 0.1 * values
    inputs = np.prod(values.shape[: 2 if "depthwise" in variable.path else -1])
    return values * np.sqrt(2.0 / inputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
