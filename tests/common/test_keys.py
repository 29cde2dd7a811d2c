"""The two keys of a home."""

import multiprocessing
import stat
from pathlib import Path

import pytest

from customvision.common.authentication import KeyNotSufficient, KeyRing, MissingKey, Role, WrongKey
from customvision.common.errors import ConfigurationError
from customvision.common.keys import Keys, load_or_create_keys

BOTH = frozenset({Role.TRAINING, Role.PREDICTION})
TRAINING = frozenset({Role.TRAINING})


def test_are_made_once_and_kept_private(tmp_path: Path) -> None:
    """The first start makes two different keys in a file of mode 0600; the next finds them."""
    first, made = load_or_create_keys(tmp_path)
    again, made_again = load_or_create_keys(tmp_path)
    assert (made, made_again) == (True, False)
    assert first == again
    assert first.training_key != first.prediction_key
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """Of several first starts one makes the keys and all use them."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        results = pool.map(load_or_create_keys, [tmp_path] * 16, chunksize=1)
    assert len({keys for keys, _ in results}) == 1
    assert [made for _, made in results].count(True) == 1


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"training_key": "a"}', '{"training_key": 1, "prediction_key": 2}']
)
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    """A start with damaged keys ends in a sentence, not with new keys."""
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="damaged"):
        load_or_create_keys(tmp_path)
    assert path.read_text() == content


@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"training_key": "\xff"}'])
def test_a_file_that_is_not_text_is_named(tmp_path: Path, content: bytes) -> None:
    """Bytes that are no UTF-8 are damage too."""
    (tmp_path / "keys.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="damaged"):
        load_or_create_keys(tmp_path)


def test_a_given_file_takes_the_place_of_the_folders(tmp_path: Path) -> None:
    """Keys that a secret brings are used as they are, and no file is made for them."""
    given = tmp_path / "secret" / "keys.json"
    given.parent.mkdir()
    given.write_text('{"training_key": "t", "prediction_key": "p"}')
    given.chmod(0o440)
    assert load_or_create_keys(tmp_path, given) == (Keys("t", "p"), False)
    assert not (tmp_path / "keys.json").exists()


def test_a_given_file_is_never_made(tmp_path: Path) -> None:
    """A path without a file is a mistake, not a first start; so is a damaged file."""
    given = tmp_path / "no" / "keys.json"
    with pytest.raises(ConfigurationError, match=str(given)):
        load_or_create_keys(tmp_path, given)
    damaged = tmp_path / "damaged.json"
    damaged.write_text("{}")
    with pytest.raises(ConfigurationError, match="Restore it") as raised:
        load_or_create_keys(tmp_path, damaged)
    assert "new keys" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.json"]


def test_each_key_opens_what_it_should(keys: Keys) -> None:
    """The training key opens everything, under either name; the prediction key does not open training."""
    ring = KeyRing(keys)
    assert ring.authenticate([("training-key", keys.training_key)], TRAINING) is Role.TRAINING
    assert ring.authenticate([("prediction-key", keys.training_key)], TRAINING) is Role.TRAINING
    assert ring.authenticate([("prediction-key", keys.prediction_key)], BOTH) is Role.PREDICTION
    both = [("prediction-key", keys.prediction_key), ("training-key", keys.training_key)]
    assert ring.authenticate(both, TRAINING) is Role.TRAINING
    with pytest.raises(KeyNotSufficient):
        ring.authenticate([("prediction-key", keys.prediction_key)], TRAINING)
    with pytest.raises(MissingKey):
        ring.authenticate([("authorization", keys.training_key)], BOTH)


@pytest.mark.parametrize("value", ["", "t" * 63, b"\xff", "\ud800", "\U0001f511"])
def test_any_other_key_is_wrong(keys: Keys, value: str | bytes) -> None:
    """An empty, short, binary or strange key is refused like any wrong one."""
    with pytest.raises(WrongKey):
        KeyRing(keys).authenticate([("training-key", value)], BOTH)


def test_a_key_ring_holds_no_key(keys: Keys) -> None:
    """Only hashes stay in memory with it."""
    assert keys.training_key not in repr(vars(KeyRing(keys)))
