"""The network that is fine-tuned, in two parts: what stays frozen, and the last blocks with a head on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from customvision.training.backbones.network import bare_network_from_file, levels_of, save_network, with_pixels_in
from customvision.training.backbones.weights_file import read_shape
from customvision.vision.head import Head

ANSWER_BATCH = 32

Variables = list[npt.NDArray[np.float32]]


@dataclass(frozen=True)
class TunableNetwork:
    """``frozen`` takes pixels float32[n, size, size, 3] of 0 to 255 and gives maps float32[n, h, w, c] and the levels
    float32[n, k] that come before them; ``tail`` takes both and gives logits float32[n, tags].

    ``bare`` is the backbone that both are parts of, and ``features`` how they are taken from it; ``untuned`` are its
    tunable variables as they were. ``look`` and ``answer`` are both parts as TensorFlow's graphs, which take a third of
    the time that Keras takes step by step.
    """

    frozen: Any
    tail: Any
    bare: Any
    features: str
    untuned: Variables
    look: Any
    answer: Any

    def begin(self, head: Head) -> None:
        """Makes the network what it was before it learned anything, with ``head`` on it."""
        self.set_tunable(self.untuned)
        self.tail.get_layer("tags").set_weights([head.weights, head.bias])

    @property
    def tunable(self) -> Variables:
        """The variables that fine-tuning changes."""
        return [np.asarray(variable) for variable in self.tail.trainable_variables]

    def set_tunable(self, values: Variables) -> None:
        """Sets the variables that fine-tuning changes."""
        for variable, value in zip(self.tail.trainable_variables, values, strict=True):
            variable.assign(value)

    def logits(self, maps: npt.NDArray[Any], levels: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Returns float64[n, tags] for what the frozen part gives."""
        parts = [
            np.asarray(self.answer(maps[part].astype(np.float32), levels[part].astype(np.float32)))
            for part in _parts(len(maps))
        ]
        return np.concatenate(parts).astype(np.float64)

    def logits_of_pixels(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Returns float64[n, tags] for uint8[n, size, size, 3]."""
        maps, levels = self.look(pixels.astype(np.float32))
        return self.logits(np.asarray(maps), np.asarray(levels))

    def head(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Returns weights float32[d, tags] and bias float32[tags] of the head."""
        weights, bias = self.tail.get_layer("tags").get_weights()
        return weights, bias

    def save_backbone(self, file: Path) -> None:
        """Writes the backbone's weights to a ``.weights.h5`` file."""
        save_network(self.bare, file, self.features)


def tunable_network(weights_file: Path, head: Head) -> TunableNetwork:
    """Returns the network with the weights in ``weights_file`` and ``head`` on it. Raises WeightsUnusable.

    Batch norm keeps its statistics and its scales: a few photos would only spoil them.
    """
    bare = bare_network_from_file(weights_file)
    shape = read_shape(weights_file)
    inner, features = shape.network.family.inner_layers, shape.features_today
    cut = _cut(bare)
    position = {layer.name: index for index, layer in enumerate(bare.layers)}
    before = [name for name in inner if position[name] <= position[cut.name]]
    levels = _levels([bare.get_layer(name).output for name in before], features)
    if levels is None:
        # A level of no features, for a network whose features are all its last.
        levels = keras.layers.GlobalAveragePooling2D()(cut.output)[:, :0]
    frozen = with_pixels_in(keras.Model(bare.input, [cut.output, levels]))
    frozen.trainable = False
    after = [name for name in inner if name not in before]
    tail = _tail(bare, cut, after, features, levels.shape[1:], head)
    for layer in tail.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    network = TunableNetwork(
        frozen=frozen,
        tail=tail,
        bare=bare,
        features=features,
        untuned=[np.asarray(variable) for variable in tail.trainable_variables],
        look=_graph(lambda pixels: frozen(pixels, training=False), frozen.inputs),
        answer=_graph(lambda maps, levels: tail([maps, levels], training=False), tail.inputs),
    )
    network.begin(head)
    return network


def _graph(function: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    signature = [tf.TensorSpec(tensor.shape, tf.float32) for tensor in inputs]
    return tf.function(function, input_signature=signature, autograph=False)


def _tail(bare: Any, cut: Any, inner: Sequence[str], features: str, level_shape: tuple[int, ...], head: Head) -> Any:
    blocks = keras.Model(cut.output, [*[bare.get_layer(name).output for name in inner], bare.output])
    maps, levels = keras.Input(cut.output.shape[1:], name="maps"), keras.Input(level_shape, name="levels")
    outputs = blocks(maps, training=False)
    *between, last = outputs if isinstance(outputs, list | tuple) else [outputs]
    own = _levels(between, features, [last])
    logits = keras.layers.Dense(len(head.bias), name="tags")(keras.layers.Concatenate()([levels, own]))
    model = keras.Model([maps, levels], logits)
    for layer in blocks.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    return model


def _levels(maps: Sequence[Any], features: str, pooled: Sequence[Any] = ()) -> Any:
    """Returns the levels of maps float32[n, h, w, c] and of pooled maps float32[n, c], side by side; None of none."""
    scaled = [level for inner in maps for level in levels_of(inner, features)]
    scaled += [keras.layers.UnitNormalization()(level) for level in pooled]
    if not scaled:
        return None
    return keras.layers.Concatenate()(scaled) if len(scaled) > 1 else scaled[0]


def _cut(bare: Any) -> Any:
    """Returns the layer after which the network is free to learn: the last narrow one before the smallest maps.

    What a network sees early is of use for all photos. Where it is narrow, what it gives is small enough to be kept.
    """
    maps = [layer for layer in bare.layers if len(layer.output.shape) == 4]
    sizes = [layer.output.shape[1] for layer in maps]
    stage = min(size for size in sizes if size > sizes[-1])
    of_stage = [layer for layer, size in zip(maps, sizes, strict=True) if size == stage]
    # Not as early as the stage begins: more to learn is more to learn by heart.
    parting = _parting(bare)
    candidates = [layer for layer in of_stage[len(of_stage) // 2 :] if layer.name in parting]
    widest = max(layer.output.shape[-1] for layer in candidates)
    narrow = [layer for layer in candidates if 2 * layer.output.shape[-1] <= widest]
    return (narrow or candidates)[-1]


def _parting(bare: Any) -> set[str]:
    """Returns the names of the operations that no way leads around."""
    position = {id(operation.output): index for index, operation in enumerate(bare.operations)}
    # Operations come in an order in which each follows what it takes.
    parting, furthest_use = set(), [0] * len(position)
    for index, operation in enumerate(bare.operations):
        for tensor in keras.tree.flatten(operation.input):
            furthest_use[position[id(tensor)]] = index
    reached = 0
    for index, operation in enumerate(bare.operations):
        if reached <= index:
            parting.add(operation.name)
        reached = max(reached, furthest_use[index])
    return parting


def _parts(count: int) -> list[slice]:
    return [slice(start, start + ANSWER_BATCH) for start in range(0, count, ANSWER_BATCH)]
