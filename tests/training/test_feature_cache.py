"""The cache of features."""

from pathlib import Path

import numpy as np

from customvision.training.computation.feature_cache import FeatureCache, with_feature_cache


def test_features_are_found_again_exactly(tmp_path: Path) -> None:
    """Features come back bit for bit, also after the file was closed, and only those that were asked for."""
    vectors = {f"{number:064x}": np.random.default_rng(number).normal(size=8).astype(np.float32) for number in range(3)}
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        cache.add(vectors)
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        found = cache.find([*list(vectors)[:2], "unknown"])
    assert set(found) == set(list(vectors)[:2])
    assert all((found[digest] == vectors[digest]).all() for digest in found)


def test_another_backbone_has_features_of_its_own(tmp_path: Path) -> None:
    """Features of one backbone are never taken for another's."""
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        cache.add({"digest": np.ones(4, np.float32)})
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-b") as cache:
        assert cache.find(["digest"]) == {}


def test_more_images_than_one_statement_may_name(tmp_path: Path) -> None:
    """Thousands of digests are looked up in one call."""
    digests = [f"{number:064x}" for number in range(2100)]
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        cache.add({digest: np.zeros(2, np.float32) for digest in digests})
        assert len(cache.find(digests)) == 2100


def test_damaged_file_is_started_anew(tmp_path: Path) -> None:
    """A damaged cache costs time, not the training."""
    file = tmp_path / "features.sqlite"
    file.write_bytes(b"no database at all" * 1000)

    def work(cache: FeatureCache) -> set[str]:
        cache.add({"digest": np.ones(4, np.float32)})
        return set(cache.find(["digest"]))

    assert with_feature_cache(file, "backbone-a", work) == {"digest"}


def test_damaged_pages_are_forgotten(tmp_path: Path) -> None:
    """A cache that opens and cannot be read is started anew too, rather than fail run after run."""
    file = tmp_path / "features.sqlite"
    digests = [f"{number:064x}" for number in range(200)]
    with FeatureCache.open(file, "backbone-a") as cache:
        cache.add({digest: np.ones(500, np.float32) for digest in digests})
    content = bytearray(file.read_bytes())
    content[8192:] = b"x" * (len(content) - 8192)
    file.write_bytes(content)
    assert with_feature_cache(file, "backbone-a", lambda cache: cache.find(digests)) == {}
    with FeatureCache.open(file, "backbone-a") as cache:
        cache.add({"digest": np.ones(4, np.float32)})
        assert set(cache.find(["digest"])) == {"digest"}
