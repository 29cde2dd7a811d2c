"""A Keras network as an ONNX graph, layer by layer."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from customvision.training.export.formats import NetworkUnknown
from customvision.training.export.tensor_names import INPUT, OUTPUT

# Old enough for runtimes of 2022, new enough for HardSwish.
OPSET, IR_VERSION = 17, 8
BATCH = "n"
# Below it Keras, too, takes a length for zero.
SMALLEST_LENGTH = 1e-12


def onnx_network(network: Any) -> onnx.ModelProto:
    """Returns ``network``, float32[n, size, size, 3] in and probabilities out, as ONNX. Raises NetworkUnknown.

    Inside, channels come first, as ONNX wants them; the graph turns its input itself.
    """
    graph = OnnxGraph()
    turned = graph.add("Transpose", [INPUT], perm=[0, 3, 1, 2])
    graph.add("Identity", [_translated(network, turned, graph)], output=OUTPUT)
    size, tags = list(network.input.shape[1:]), int(network.output.shape[1])
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "customvision",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [BATCH, *size])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [BATCH, tags])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="Custom Vision",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


class OnnxGraph:
    """Nodes and constants of a graph under construction; values are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operation: str, inputs: list[str], *, output: str = "", **attributes: Any) -> str:
        """Adds a node and returns the name of its output."""
        name = output or f"{operation}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [name], name=name, **attributes))
        return name

    def constant(self, value: npt.ArrayLike, kind: type[np.generic] = np.float32) -> str:
        """Adds a constant and returns its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=kind), name))
        return name


def _translated(network: Any, value: str, graph: OnnxGraph) -> str:
    """Adds the layers of a network with one input, ``value``, and one output; returns the name of that."""
    description = network.get_config()
    values: dict[str, str] = {}
    for entry in description["layers"]:
        name, kind = entry["name"], entry["class_name"]
        if kind == "InputLayer":
            values[name] = value
            continue
        if len(entry["inbound_nodes"]) != 1:
            raise NetworkUnknown(f"The network uses its layer {name} more than once, which ONNX files cannot yet hold.")
        inputs = _inputs(entry["inbound_nodes"][0]["args"], values, graph)
        if kind == "Functional":
            values[name] = _translated(network.get_layer(name), inputs[0], graph)
        elif kind in LAYERS:
            # Plain operations, such as adding a constant, are no layers and have no weights.
            layer = network.get_layer(name) if entry["module"].startswith("keras.layers") else None
            values[name] = LAYERS[kind](graph, layer, inputs)
        else:
            raise NetworkUnknown(f"The network has a layer of the kind {kind}, which ONNX files cannot yet hold.")
    return values[_flat(description["output_layers"])[0]]


def _inputs(arguments: Any, values: Mapping[str, str], graph: OnnxGraph) -> list[str]:
    """Returns the names of a layer's inputs: outputs of other layers, and numbers, which become constants."""
    if isinstance(arguments, list | tuple):
        return [name for argument in arguments for name in _inputs(argument, values, graph)]
    if isinstance(arguments, dict) and arguments.get("class_name") == "__keras_tensor__":
        return [values[arguments["config"]["keras_history"][0]]]
    return [graph.constant(arguments)]


def _flat(nested: Any) -> list[Any]:
    # Keras writes one output as [name, 0, 0] and several as a list of such.
    return _flat(nested[0]) if isinstance(nested[0], list) else nested


def _convolution(graph: OnnxGraph, layer: Any, inputs: list[str]) -> str:
    height, width, narrow, wide = layer.kernel.shape
    kernel = np.asarray(layer.kernel)
    if type(layer).__name__ == "DepthwiseConv2D":
        groups, weights = narrow, kernel.transpose(2, 3, 0, 1).reshape(narrow * wide, 1, height, width)
    else:
        groups, weights = layer.groups, kernel.transpose(3, 2, 0, 1)
    bias = [graph.constant(np.asarray(layer.bias))] if layer.use_bias else []
    result = graph.add(
        "Conv",
        [*inputs, graph.constant(weights), *bias],
        group=int(groups),
        strides=list(layer.strides),
        dilations=list(layer.dilation_rate),
        pads=_pads(layer),
    )
    return _activated(graph, layer, [result])


def _pads(layer: Any) -> list[int]:
    """Returns rows and columns of zeros around a convolution's input: top, left, bottom, right."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    sides = zip(layer.input.shape[1:3], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    missing = [
        max((-(-side // stride) - 1) * stride + (kernel - 1) * dilation + 1 - side, 0)
        for side, kernel, stride, dilation in sides
    ]
    # The odd row and column come at the end.
    return [*(total // 2 for total in missing), *(total - total // 2 for total in missing)]


def _normalization(graph: OnnxGraph, layer: Any, inputs: list[str]) -> str:
    mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    scale = np.asarray(layer.gamma) if layer.scale else np.ones_like(mean)
    shift = np.asarray(layer.beta) if layer.center else np.zeros_like(mean)
    parameters = [graph.constant(parameter) for parameter in (scale, shift, mean, variance)]
    return graph.add("BatchNormalization", [*inputs, *parameters], epsilon=float(layer.epsilon))


def _relu(graph: OnnxGraph, layer: Any, inputs: list[str]) -> str:
    if layer.negative_slope or layer.threshold:
        raise NetworkUnknown(f"The network's layer {layer.name} is a leaky ReLU, which ONNX files cannot yet hold.")
    if layer.max_value is None:
        return graph.add("Relu", inputs)
    return graph.add("Clip", [*inputs, graph.constant(0.0), graph.constant(float(layer.max_value))])


def _activated(graph: OnnxGraph, layer: Any, inputs: list[str]) -> str:
    name = layer.activation.__name__
    match name:
        case "linear":
            return inputs[0]
        case "relu" | "sigmoid":
            return graph.add(name.capitalize(), inputs)
        case "relu6":
            return graph.add("Clip", [*inputs, graph.constant(0.0), graph.constant(6.0)])
        case "softmax":
            return graph.add("Softmax", inputs, axis=1)
        case "hard_silu":
            return graph.add("HardSwish", inputs)
        case "hard_sigmoid":
            return graph.add("HardSigmoid", inputs, alpha=1 / 6, beta=0.5)
    raise NetworkUnknown(
        f"The network's layer {layer.name} has the activation {name}, which ONNX files cannot yet hold."
    )


def _pooling(graph: OnnxGraph, layer: Any, inputs: list[str]) -> str:
    pooled = graph.add("GlobalAveragePool", inputs)
    return pooled if layer.keepdims else graph.add("Flatten", [pooled])


def _padding(graph: OnnxGraph, layer: Any, inputs: list[str]) -> str:
    (top, bottom), (left, right) = layer.padding
    return graph.add("Pad", [*inputs, graph.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)])


def _rescaling(graph: OnnxGraph, layer: Any, inputs: list[str]) -> str:
    dimensions = len(layer.output.shape)
    scaled = graph.add("Mul", [*inputs, _per_channel(graph, layer.scale, dimensions)])
    return graph.add("Add", [scaled, _per_channel(graph, layer.offset, dimensions)])


def _per_channel(graph: OnnxGraph, value: Any, dimensions: int) -> str:
    array = np.asarray(value, np.float32)
    return graph.constant(array if array.ndim == 0 else array.reshape(-1, *[1] * (dimensions - 2)))


def _unit_length(graph: OnnxGraph, layer: Any, inputs: list[str]) -> str:
    if layer.axis not in (-1, len(layer.output.shape) - 1):
        raise NetworkUnknown(
            f"The network's layer {layer.name} scales other than its channels, which ONNX files cannot yet hold."
        )
    length = graph.add("ReduceL2", inputs, axes=[1], keepdims=1)
    return graph.add("Div", [*inputs, graph.add("Max", [length, graph.constant(SMALLEST_LENGTH)])])


def _dense(graph: OnnxGraph, layer: Any, inputs: list[str]) -> str:
    bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(layer.units)
    product = graph.add("Gemm", [*inputs, graph.constant(np.asarray(layer.kernel)), graph.constant(bias)])
    return _activated(graph, layer, [product])


def _named(operation: str, **attributes: Any) -> Callable[[OnnxGraph, Any, list[str]], str]:
    return lambda graph, _, inputs: graph.add(operation, inputs, **attributes)


LAYERS: dict[str, Callable[[OnnxGraph, Any, list[str]], str]] = {
    "Activation": _activated,
    "Add": _named("Add"),
    "BatchNormalization": _normalization,
    # Along the channels, which are last in Keras and second here.
    "Concatenate": _named("Concat", axis=1),
    "Conv2D": _convolution,
    "Dense": _dense,
    "DepthwiseConv2D": _convolution,
    # Only training drops out.
    "Dropout": lambda _graph, _layer, inputs: inputs[0],
    "GlobalAveragePooling2D": _pooling,
    "Multiply": _named("Mul"),
    "ReLU": _relu,
    "Rescaling": _rescaling,
    "Sqrt": _named("Sqrt"),
    "Subtract": _named("Sub"),
    "UnitNormalization": _unit_length,
    "ZeroPadding2D": _padding,
}
