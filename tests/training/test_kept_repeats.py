"""What repeats of fine-tuning came to is kept: a killed run does not go through them again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from customvision.training.children.child import Reports
from customvision.training.computation.data_set import DataSet, DataSetImage
from customvision.training.computation.fine_tuning.fine_tuner import MIXES, FineTuner, Trial
from customvision.training.computation.fine_tuning.kept_repeat import KeptRepeat
from customvision.training.computation.fine_tuning.photos import Photos
from customvision.training.computation.inner_products import Rows
from customvision.training.computation.material import Material
from customvision.vision.artifacts import Label
from customvision.vision.head import Head

FOLDS: Sequence[Rows] = [np.array([0, 3]), np.array([1, 4]), np.array([2, 5])]
TRIAL = Trial(3, {}, seconds=10.0)
REPEAT = KeptRepeat(np.array([3, 5]), {0.5: np.array([[1.0, -1.0]]), 1.0: np.array([[2.0, 0.5]])}, seconds=12.5)


class Killed(Exception):
    """Stands for the end of the process."""


class Silent(Reports):
    """Nobody listens."""

    def __init__(self) -> None:
        """Needs no file."""

    def send(self, kind: str, **fields: object) -> None:
        """Says nothing."""


class Scripted(FineTuner):
    """Its repeats take no time and say that they took ``took`` seconds; number ``killed_at`` ends with the process."""

    took, killed_at = 10.0, 0

    def __init__(self, folder: Path, seconds: float) -> None:
        """``seconds`` are left for everything."""
        (folder / "weights").write_bytes(b"weights")
        images = tuple(DataSetImage(str(row), f"{row:064x}", (row % 2,)) for row in range(6))
        data_set = DataSet((Label("a", "a"), Label("b", "b")), images, multilabel=False)
        material = Material(data_set, np.zeros((6, 1, 4), np.float32), np.arange(6), [])
        super().__init__(folder / "weights", material, Photos(32, ()), FOLDS, folder, Silent(), lambda: seconds)
        self.done: list[int] = []

    def _repeat(self, number: int, fold: Rows, _head: Head, _epochs: int) -> KeptRepeat:
        checkpoint = self._checkpoint_file(f"repeat-{number}")
        checkpoint.touch()
        if number == self.killed_at:
            raise Killed
        self.done.append(number)
        return KeptRepeat(fold, {mix: np.full((len(fold), 2), number + mix) for mix in MIXES}, self.took)


def head_without(_: Rows) -> Head:
    """Returns a head of no use."""
    return Head(np.zeros((4, 2), np.float32), np.zeros(2, np.float32), multilabel=False)


def test_a_killed_run_repeats_only_what_is_missing(tmp_path: Path) -> None:
    """After a kill in the last repeat, the first two are read and only that one is done; their checkpoints are gone."""
    first = Scripted(tmp_path, seconds=100)
    first.killed_at = 3
    with pytest.raises(Killed):
        first.repeats(head_without, TRIAL)
    assert [file.name for file in tmp_path.glob("repeat-?.npz")] == ["repeat-3.npz"]
    second = Scripted(tmp_path, seconds=100)
    repeats = second.repeats(head_without, TRIAL)
    assert (first.done, second.done) == ([1, 2], [3])
    assert repeats.rows.tolist() == [0, 3, 1, 4, 2, 5]
    for mix in MIXES:
        assert repeats.logits[mix][:, 0].tolist() == [1 + mix] * 2 + [2 + mix] * 2 + [3 + mix] * 2
    assert not list(tmp_path.glob("repeat-?.npz"))


def test_repeats_that_are_kept_tell_how_long_others_take(tmp_path: Path) -> None:
    """After a kill no repeat begins for which the time that is left does not do, as those before it tell."""
    first = Scripted(tmp_path, seconds=1000)
    first.took, first.killed_at = 50.0, 2
    with pytest.raises(Killed):
        first.repeats(head_without, TRIAL)
    second = Scripted(tmp_path, seconds=100)
    assert len(second.repeats(head_without, TRIAL).rows) == len(FOLDS[0])
    assert second.done == []


def test_a_repeat_comes_back_as_it_was(tmp_path: Path) -> None:
    """Rows, logits by mix and seconds survive the file."""
    file = tmp_path / "repeat.npz"
    REPEAT.save(file, "these photos")
    loaded = KeptRepeat.load(file, "these photos", REPEAT.rows)
    assert loaded is not None
    assert (loaded.rows.tolist(), loaded.seconds) == ([3, 5], 12.5)
    assert {mix: logits.tolist() for mix, logits in loaded.logits.items()} == {0.5: [[1.0, -1.0]], 1.0: [[2.0, 0.5]]}


def test_what_is_of_others_or_damaged_counts_for_nothing(tmp_path: Path) -> None:
    """No file, another data set, another fold and a file cut off anywhere are as good as none."""
    file = tmp_path / "repeat.npz"
    assert KeptRepeat.load(file, "these photos", REPEAT.rows) is None
    REPEAT.save(file, "these photos")
    assert KeptRepeat.load(file, "other photos", REPEAT.rows) is None
    assert KeptRepeat.load(file, "these photos", np.array([3, 4])) is None
    data = file.read_bytes()
    for share in (0.0, 0.3, 0.9, 0.99):
        file.write_bytes(data[: int(len(data) * share)])
        assert KeptRepeat.load(file, "these photos", REPEAT.rows) is None
