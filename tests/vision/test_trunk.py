"""The compiled backbone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from customvision.common.processors import available_cores
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.network_parts import compact, frozen_outputs, parted
from customvision.vision.trunk import Stem, Trunk
from models import FEATURE_COUNT, INPUT_SIZE, backbone
from pictures import photo
from tuned_networks import network


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Trunk:
    """A trunk whose features are the means of the colours and a one."""
    return Trunk.load(*backbone().write_model(tmp_path_factory.mktemp("trunk")))


def test_knows_its_shape(trunk: Trunk) -> None:
    """Input size and feature count come from the model."""
    assert (trunk.input_size, trunk.feature_count) == (INPUT_SIZE, FEATURE_COUNT)


def test_computes_what_the_graph_says(trunk: Trunk) -> None:
    """Features are float32, in f32 precision."""
    pixels = decode_for_backbone(photo(1), INPUT_SIZE)
    features = trunk.embed(pixels)
    assert features.dtype == np.float32
    assert features == pytest.approx([*(pixels.reshape(-1, 3).mean(axis=0) / 255), 1], abs=1e-5)


def test_a_result_is_not_overwritten_by_the_next(trunk: Trunk) -> None:
    """Features may be kept: the thread's next image does not change them."""
    first = trunk.embed(decode_for_backbone(photo(1, color=(255, 0, 0)), INPUT_SIZE))
    kept = first.copy()
    trunk.embed(decode_for_backbone(photo(2, color=(0, 0, 255)), INPUT_SIZE))
    assert np.array_equal(first, kept)


def test_many_threads_get_their_own_answers(trunk: Trunk) -> None:
    """Sixteen threads at once compute what one thread computes."""
    pictures = [decode_for_backbone(photo(seed, color=(seed, 255 - seed, 99)), INPUT_SIZE) for seed in range(64)]
    alone = [trunk.embed(pixels) for pixels in pictures]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            together = list(pool.map(trunk.embed, pictures))
            assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_an_image_alone_has_the_features_that_it_has_among_others() -> None:
    """Several threads for one image give what one gives, to the bit, whether the network is whole or parted."""
    tuned = network(1)
    parts = parted(tuned, frozen_outputs(tuned, network(0)))
    stem_network, whole_network = compact(parts.stem), network(1)
    stem, whole = Stem(stem_network, threads=1), Trunk(whole_network, threads=1)
    pictures = [decode_for_backbone(photo(seed), INPUT_SIZE) for seed in range(8)]
    for trunk in (whole, Trunk(compact(parts.tail), stem, threads=1)):
        features = [trunk.embed(picture) for picture in pictures]
        for _ in range(2):
            assert np.array_equal([trunk.embed(picture, alone=True) for picture in pictures], features)
            whole.compile_lone(whole_network, threads=2)
            stem.compile_lone(stem_network, threads=2)


def test_does_not_need_its_files_once_loaded(tmp_path: Path) -> None:
    """A trunk goes on answering when its files are removed."""
    xml, weights = backbone().write_model(tmp_path)
    trunk = Trunk.load(xml, weights, threads=1)
    xml.unlink()
    weights.unlink()
    assert trunk.embed(np.zeros((INPUT_SIZE, INPUT_SIZE, 3), np.uint8)) == pytest.approx([0, 0, 0, 1])


def test_there_is_a_core() -> None:
    """At least one processor is ours."""
    assert available_cores() >= 1
