"""Checkpoints of fine-tuning: what is gone on from, and what is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from customvision.training.computation.fine_tuning.checkpoint import Checkpoint

CHECKPOINT = Checkpoint(
    origin="these photos",
    epochs=3,
    best_epoch=2,
    best_loss=0.25,
    seconds=12.5,
    variables=[np.ones((2, 3), np.float32), np.zeros(3, np.float32)],
    best=[np.full((2, 3), 2.0, np.float32), np.ones(3, np.float32)],
    optimizer=[np.array(7, np.int64), np.ones((2, 3), np.float32)],
)


def test_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    """All of a checkpoint comes back, in place of the one before."""
    file = tmp_path / "trial.npz"
    replace(CHECKPOINT, epochs=2).save(file)
    CHECKPOINT.save(file)
    loaded = Checkpoint.load(file, "these photos")
    assert loaded is not None
    for name in ("origin", "epochs", "best_epoch", "best_loss", "seconds"):
        assert getattr(loaded, name) == getattr(CHECKPOINT, name)
    for name in ("variables", "best", "optimizer"):
        pairs = zip(getattr(loaded, name), getattr(CHECKPOINT, name), strict=True)
        assert all(np.array_equal(one, other) and one.dtype == other.dtype for one, other in pairs)


def test_no_best_epoch_yet(tmp_path: Path) -> None:
    """A loss that is infinite, for nothing was measured, comes back."""
    replace(CHECKPOINT, best_loss=np.inf).save(tmp_path / "final.npz")
    loaded = Checkpoint.load(tmp_path / "final.npz", "these photos")
    assert loaded is not None and loaded.best_loss == np.inf


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_cut_off_file_counts_for_nothing(tmp_path: Path, share: float) -> None:
    """A file of which the end is missing is as good as none."""
    file = tmp_path / "trial.npz"
    CHECKPOINT.save(file)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    assert Checkpoint.load(file, "these photos") is None


def test_other_courses_and_no_numbers_count_for_nothing(tmp_path: Path) -> None:
    """Neither a missing file is gone on from, nor other photos' course, nor one whose network is no number."""
    file = tmp_path / "trial.npz"
    assert Checkpoint.load(file, "these photos") is None
    CHECKPOINT.save(file)
    assert Checkpoint.load(file, "other photos") is None
    replace(CHECKPOINT, variables=[np.full((2, 3), np.nan, np.float32), np.zeros(3, np.float32)]).save(file)
    assert Checkpoint.load(file, "these photos") is None


def test_checkpoint_fits_its_own_network_only() -> None:
    """Variables or an optimiser of other shapes are not taken over."""
    variables, optimizer = CHECKPOINT.variables, CHECKPOINT.optimizer
    assert CHECKPOINT.fits(variables, optimizer)
    assert not CHECKPOINT.fits([variables[0], np.zeros(4, np.float32)], optimizer)
    assert not CHECKPOINT.fits(variables, optimizer[:1])
