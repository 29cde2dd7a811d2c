"""A fine-tuned network in two parts: a stem like that of the network it was tuned from, and a tail of its own."""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as operations
from openvino._offline_transformations import apply_moc_transformations

# The constants as they are and as they are computed with; and for each thread what its operations take. Measured.
COPIES_OF_CONSTANTS, BYTES_PER_OPERATION = 2, 25_000
# A stem without one of these saves nothing.
COSTLY = frozenset({"Convolution", "GroupConvolution", "MatMul"})


class PartsInvalid(Exception):
    """A network cannot be parted where it should be; the message says why."""


@dataclass(frozen=True)
class NetworkParts:
    """``stem`` gives what ``tail`` takes, in the same order; stems of equal ``stem_digest`` compute the same."""

    stem: openvino.Model
    tail: openvino.Model
    stem_digest: str


def frozen_outputs(tuned: openvino.Model, base: openvino.Model) -> list[str]:
    """Returns the names of the outputs at which ``tuned`` ceases to be equal to ``base``, bit for bit.

    It is empty where they have nothing costly in common, and where they are equal altogether.
    """
    known = set(_digests(base).values())
    digests, computed = _digests(tuned), _computed(tuned)
    frozen = {name for name in computed if digests[name] in known}
    if not any(op.get_type_name() in COSTLY for op in tuned.get_ordered_ops() if op.get_name() in frozen):
        return []
    return [
        f"{op.get_friendly_name()}:{output.get_index()}"
        for op in tuned.get_ordered_ops()
        if op.get_name() in frozen
        for output in op.outputs()
        if any(target.get_node().get_name() not in frozen for target in output.get_target_inputs())
    ]


def parted(network: openvino.Model, outputs: Sequence[str]) -> NetworkParts:
    """Parts ``network``, which is used up, at the ``outputs`` that frozen_outputs named. Raises PartsInvalid."""
    cuts = [_output(network, name) for name in outputs]
    digests = _digests(network)
    key = hashlib.sha256()
    for cut in cuts:
        key.update(f"{digests[cut.get_node().get_name()]}:{cut.get_index()} ".encode())
    parameters, results = network.get_parameters(), network.get_results()
    before = _ancestors(cuts)
    entries = []
    for cut in cuts:
        entry = operations.parameter(list(cut.get_shape()), cut.get_element_type())
        for target in cut.get_target_inputs():
            if target.get_node().get_name() not in before:
                target.replace_source_output(entry.output(0))
        entries.append(entry)
    try:
        tail = openvino.Model(results, entries, "tail")
    except RuntimeError as error:
        raise PartsInvalid("What is behind the outputs still needs what is before them.") from error
    stem = openvino.Model([operations.result(cut) for cut in cuts], parameters, "stem")
    return NetworkParts(stem, tail, key.hexdigest())


def compact(network: openvino.Model) -> openvino.Model:
    """Returns ``network``, which is used up, on constants of its own, in the form in which it will be compiled.

    Otherwise its compiled form would keep the constants of all that it was cut from, and a second copy of each.
    """
    apply_moc_transformations(network, True)
    with tempfile.TemporaryDirectory(prefix="customvision-network-") as folder:
        xml = Path(folder) / "network.xml"
        openvino.serialize(network, xml)
        return openvino.Core().read_model(xml)


def memory_bytes(network: openvino.Model, *, threads: int) -> int:
    """Returns about what a compact network holds once it is compiled for so many threads."""
    ops = network.get_ops()
    constants = [op for op in ops if op.get_type_name() == "Constant"]
    largest = max(_size(output) for op in ops if op.get_type_name() != "Constant" for output in op.outputs())
    constant_bytes = sum(int(op.data.nbytes) for op in constants)
    return COPIES_OF_CONSTANTS * constant_bytes + threads * (BYTES_PER_OPERATION * len(ops) + largest)


def _size(output: Any) -> int:
    return int(np.prod(list(output.get_shape()), dtype=np.int64)) * int(output.get_element_type().size)


def _digests(network: openvino.Model) -> dict[str, str]:
    """Returns for each operation a digest of what it computes: its kind, its constants, and those of all before it."""
    digests: dict[str, str] = {}
    for op in network.get_ordered_ops():
        digest = hashlib.sha256(repr((op.get_type_name(), sorted(op.get_attributes().items()))).encode())
        if op.get_type_name() == "Constant":
            digest.update(np.ascontiguousarray(op.data).tobytes())
        for source in op.input_values():
            digest.update(f"{digests[source.get_node().get_name()]}:{source.get_index()} ".encode())
        digests[op.get_name()] = digest.hexdigest()
    return digests


def _computed(network: openvino.Model) -> set[str]:
    """Returns the operations that depend on the network's input."""
    computed: set[str] = set()
    for op in network.get_ordered_ops():
        if op.get_type_name() == "Parameter" or any(it.get_node().get_name() in computed for it in op.input_values()):
            computed.add(op.get_name())
    return computed


def _ancestors(outputs: Sequence[Any]) -> set[str]:
    """Returns the operations that ``outputs`` are computed by."""
    found: set[str] = set()
    waiting = [output.get_node() for output in outputs]
    while waiting:
        op = waiting.pop()
        if op.get_name() not in found:
            found.add(op.get_name())
            waiting.extend(source.get_node() for source in op.input_values())
    return found


def _output(network: openvino.Model, name: str) -> Any:
    op_name, _, index = name.rpartition(":")
    found = [op for op in network.get_ops() if op.get_friendly_name() == op_name]
    if len(found) != 1 or not index.isdecimal() or int(index) >= len(found[0].outputs()):
        raise PartsInvalid(f"The network has no output '{name[:200]}'.")
    return found[0].output(int(index))
