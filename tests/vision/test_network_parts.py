"""Fine-tuned networks, parted where they cease to be the network that they were tuned from."""

import numpy as np
import pytest

from customvision.vision.network_parts import NetworkParts, PartsInvalid, compact, frozen_outputs, memory_bytes, parted
from customvision.vision.trunk import Stem, Trunk
from models import INPUT_SIZE
from tuned_networks import CHANNELS, network

PICTURES = np.random.default_rng(0).integers(0, 256, (4, INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)


def parts_of(last_layer: int, first_layer: int = 0) -> NetworkParts:
    """Returns the parts of a network that was fine-tuned from one with another last layer."""
    tuned = network(last_layer, first_layer)
    names = frozen_outputs(tuned, network(0, first_layer))
    assert len(names) == 2
    return parted(tuned, names)


def test_stem_and_tail_answer_as_the_whole() -> None:
    """Parted at what is frozen, two networks of one base share the stem, and each gives the features of its whole."""
    stem = None
    for last_layer in (1, 2):
        parts = parts_of(last_layer)
        if stem is None:
            stem, digest = Stem(compact(parts.stem), threads=1), parts.stem_digest
        assert parts.stem_digest == digest
        trunk, whole = Trunk(compact(parts.tail), stem, threads=1), Trunk(network(last_layer), threads=1)
        assert (trunk.input_size, trunk.feature_count) == (whole.input_size, whole.feature_count)
        for picture in PICTURES:
            assert np.abs(trunk.embed(picture) - whole.embed(picture)).max() < 1e-6


def test_the_tail_holds_its_own_weights_only() -> None:
    """What the stem computes with is not counted, nor held, a second time."""
    whole, tail = network(1), compact(parts_of(1).tail)
    assert memory_bytes(tail, threads=2) < memory_bytes(whole, threads=2)
    weights = sum(op.data.nbytes for op in tail.get_ops() if op.get_type_name() == "Constant")
    assert CHANNELS * 3 * 3 * 4 <= weights < CHANNELS * 3 * 3 * 4 + 100


def test_stems_that_compute_otherwise_are_told_apart() -> None:
    """The digest of a stem depends on its weights."""
    assert parts_of(1, 0).stem_digest != parts_of(1, 7).stem_digest


def test_a_network_with_nothing_in_common_is_left_whole() -> None:
    """Where no layer is the same, and where all are, there is nothing to part."""
    assert frozen_outputs(network(1, 1), network(0)) == []
    assert frozen_outputs(network(0), network(0)) == []


@pytest.mark.parametrize("name", ["nothing:0", "pixels:1", "pixels", "pixels:x"])
def test_an_output_that_is_not_there_is_told(name: str) -> None:
    """A name that the network does not have is an error that says it."""
    with pytest.raises(PartsInvalid, match="no output"):
        parted(network(1), [name])


def test_a_cut_that_parts_nothing_is_told() -> None:
    """Outputs behind which the network still needs its input do not part it."""
    tuned = network(1)
    names = frozen_outputs(tuned, network(0))
    with pytest.raises(PartsInvalid, match="still needs"):
        parted(tuned, names[:1])
