"""The cache of features."""

import sqlite3
from pathlib import Path

import numpy as np
import numpy.typing as npt

from customvision.training.computation.feature_cache import EmbeddedImage, FeatureCache, with_feature_cache


def image(digest: str, *views: npt.ArrayLike, difference_hash: int = 0) -> EmbeddedImage:
    """Returns what was computed of an image: features of its views, from the first on."""
    return EmbeddedImage(digest, dict(enumerate(np.asarray(view, np.float32) for view in views)), difference_hash)


def test_features_are_found_again(tmp_path: Path) -> None:
    """Features come back after the file was closed, only those that were asked for, each view by itself."""
    random = np.random.default_rng(0)
    vectors = {f"{number:064x}": random.normal(size=(2, 8)).astype(np.float16) for number in range(3)}
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        cache.add([image(digest, *views) for digest, views in vectors.items()])
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        for view in range(2):
            found = cache.find([*list(vectors)[:2], "unknown"], view)
            assert set(found) == set(list(vectors)[:2])
            assert all((found[digest] == vectors[digest][view]).all() for digest in found)
        assert cache.find(list(vectors), 2) == {}


def test_features_are_kept_to_a_thousandth(tmp_path: Path) -> None:
    """Features of length 1 lose less than a two-thousandth of each number, and of very small ones next to nothing."""
    vector = np.random.default_rng(0).normal(size=1280)
    vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        cache.add([image("digest", vector)])
        found = cache.find(["digest"], 0)["digest"].astype(np.float32)
    assert np.abs(found - vector).max() <= max(2**-11 * np.abs(vector).max(), 2**-25)
    assert (np.abs(found - vector) <= 2**-11 * np.abs(vector) + 2**-25).all()


def test_what_is_known_is_known_of_all_views(tmp_path: Path) -> None:
    """An image counts as known where each view that is wanted is; more views are added to those that there are."""
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        cache.add([image("one", [1.0]), image("both", [1.0], [2.0])])
        digests = ["one", "both", "none"]
        assert cache.known(digests, range(1)) == {"one", "both"}
        assert cache.known(digests, range(2)) == {"both"}
        cache.add([image("one", [1.0], [3.0])])
        assert cache.known(digests, range(2)) == {"one", "both"}
        assert cache.find(["one"], 1)["one"].tolist() == [3.0]


def test_another_backbone_has_features_of_its_own(tmp_path: Path) -> None:
    """Features of one backbone are never taken for another's; how an image looks is the same for all."""
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        cache.add([image("digest", np.ones(4), difference_hash=77)])
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-b") as cache:
        assert cache.find(["digest"], 0) == {}
        assert cache.known(["digest"], range(1)) == set()
        assert cache.difference_hashes(["digest", "unknown"]) == {"digest": 77}


def test_difference_hashes_of_all_bits(tmp_path: Path) -> None:
    """Hashes come back whatever their bits, the highest too."""
    hashes = {"none": 0, "low": 1, "high": 2**63, "all": 2**64 - 1}
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        cache.add([image(digest, [1.0], difference_hash=value) for digest, value in hashes.items()])
        assert cache.difference_hashes(list(hashes)) == hashes


def test_features_of_older_versions_are_dropped(tmp_path: Path) -> None:
    """A cache of an older version, whose features were taken otherwise, opens without them."""
    file = tmp_path / "features.sqlite"
    older = sqlite3.connect(file)
    older.execute("CREATE TABLE features (backbone_id TEXT, content_sha256 TEXT, vector BLOB)")
    older.execute("INSERT INTO features VALUES ('backbone-a', 'digest', x'00')")
    older.commit()
    older.close()
    with FeatureCache.open(file, "backbone-a") as cache:
        assert cache.find(["digest"], 0) == {}
        cache.add([image("digest", [1.0])])
    tables = sqlite3.connect(file).execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert sorted(tables) == [("looks",), ("view_features",)]


def test_more_images_than_one_statement_may_name(tmp_path: Path) -> None:
    """Thousands of digests are looked up in one call."""
    digests = [f"{number:064x}" for number in range(2100)]
    with FeatureCache.open(tmp_path / "features.sqlite", "backbone-a") as cache:
        cache.add([image(digest, np.zeros(2)) for digest in digests])
        assert len(cache.find(digests, 0)) == 2100
        assert cache.known(digests, range(1)) == set(digests)
        assert len(cache.difference_hashes(digests)) == 2100


def test_damaged_file_is_started_anew(tmp_path: Path) -> None:
    """A damaged cache costs time, not the training."""
    file = tmp_path / "features.sqlite"
    file.write_bytes(b"no database at all" * 1000)

    def work(cache: FeatureCache) -> set[str]:
        cache.add([image("digest", np.ones(4))])
        return set(cache.find(["digest"], 0))

    assert with_feature_cache(file, "backbone-a", work) == {"digest"}


def test_damaged_pages_are_forgotten(tmp_path: Path) -> None:
    """A cache that opens and cannot be read is started anew too, rather than fail run after run."""
    file = tmp_path / "features.sqlite"
    digests = [f"{number:064x}" for number in range(200)]
    with FeatureCache.open(file, "backbone-a") as cache:
        cache.add([image(digest, np.ones(500)) for digest in digests])
    content = bytearray(file.read_bytes())
    content[8192:] = b"x" * (len(content) - 8192)
    file.write_bytes(content)
    assert with_feature_cache(file, "backbone-a", lambda cache: cache.find(digests, 0)) == {}
    with FeatureCache.open(file, "backbone-a") as cache:
        cache.add([image("digest", np.ones(4))])
        assert set(cache.find(["digest"], 0)) == {"digest"}
