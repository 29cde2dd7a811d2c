"""Backbone weights: where they are found, and what cannot be used."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from customvision.common.errors import ConfigurationError
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.backbones import download, sources
from customvision.training.backbones.download import FILE_NAME, DownloadUnavailable, downloaded_weights
from customvision.training.backbones.preparation import BackbonePreparation, BackboneUnavailable
from customvision.training.backbones.sources import BUILT_IN, WeightsSource, find_weights
from customvision.training.backbones.weights_file import WeightsUnusable, read_shape, write_notes
from customvision.v1 import iterations_pb2, training_service_pb2
from customvision.vision.artifacts import digest_of
from training_suite import TrainingSuite


def weights_file(file: Path, *shapes: tuple[int, ...]) -> Path:
    """Writes an HDF5 file with arrays of these shapes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w") as content:
        for number, shape in enumerate(shapes):
            content[f"layers/layer_{number}/vars/0"] = np.zeros(shape, np.float32)
    return file


@pytest.mark.parametrize(
    ("width", "channels"), [(0.35, 56), (0.5, 80), (0.75, 120), (1.0, 160), (1.3, 208), (1.4, 224)]
)
def test_width_is_told_from_shapes(tmp_path: Path, width: float, channels: int) -> None:
    """The width of the network, and whether it has a classifier, are read from the file."""
    file = weights_file(tmp_path / "w.h5", (1, 1, 6 * channels, channels), (1280, 1000))
    assert (read_shape(file).width, read_shape(file).classes) == (width, 1000)


def test_input_size_is_told_from_a_note(tmp_path: Path) -> None:
    """A file may say for which input size its network is; without that it is 224, and an impossible one is refused."""
    file = weights_file(tmp_path / "w.h5", (1, 1, 480, 80))
    assert read_shape(file).architecture == "mobilenet_v2_0.5_224"
    write_notes(file, input_size=160)
    assert read_shape(file).architecture == "mobilenet_v2_0.5_160"
    for impossible in (0, 100, 1_000_000):
        write_notes(file, input_size=impossible)
        with pytest.raises(WeightsUnusable, match="multiple of 32"):
            read_shape(file)


def test_inner_features_are_told_from_a_note(tmp_path: Path) -> None:
    """A file may say how its inner features are scaled; scales that are too few or no positive numbers are refused."""
    file = weights_file(tmp_path / "w.h5", (1, 1, 480, 80))
    assert read_shape(file).inner_scales == ()
    write_notes(file, input_size=160, inner_scales=(1.5, 2.0, 0.5))
    assert read_shape(file).inner_scales == (1.5, 2.0, 0.5)
    assert read_shape(file).architecture == "mobilenet_v2_0.5_160_inner"
    for impossible in ((1.0, 2.0), (1.0, float("nan"), 1.0), (1.0, -1.0, 1.0)):
        write_notes(file, input_size=160, inner_scales=impossible)
        with pytest.raises(WeightsUnusable, match="inner scales"):
            read_shape(file)


def test_built_in_weights_are_small() -> None:
    """What comes with the product is a MobileNetV2 without a classifier, in at most 4 MB."""
    assert read_shape(BUILT_IN).classes is None
    assert BUILT_IN.stat().st_size <= 4_000_000


def test_other_networks_are_refused(tmp_path: Path) -> None:
    """An HDF5 file of another network, and a file that is no HDF5, are refused by name."""
    other = weights_file(tmp_path / "other.h5", (3, 3, 3, 64))
    text = tmp_path / "text.h5"
    text.write_text("no weights")
    for file in (other, text):
        with pytest.raises(WeightsUnusable, match=file.name):
            read_shape(file)


def test_order_of_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The named file comes before the data folder, that before the download."""
    folder = tmp_path / "backbones"
    named = weights_file(tmp_path / "named.h5", (1,))
    downloaded = weights_file(tmp_path / "downloaded.h5", (3,))
    monkeypatch.setattr(sources, "downloaded_weights", lambda _: downloaded)
    assert find_weights(named=None, folder=folder, download=True).source is WeightsSource.KERAS_DOWNLOAD
    weights_file(folder / "own.weights.h5", (2,))
    assert find_weights(named=named, folder=folder, download=True).source is WeightsSource.PATH
    own = find_weights(named=None, folder=folder, download=True)
    assert (own.source, own.file) == (WeightsSource.DATA_FOLDER, folder / "own.weights.h5")
    weights_file(folder / "second.weights.h5", (2,))
    assert "own.weights.h5 is used" in find_weights(named=None, folder=folder, download=True).warning


def test_built_in_weights_are_owned_up_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing else can be had, the built-in weights are used, and the warning says why and what to set."""

    def unreachable(_: Path) -> Path:
        raise DownloadUnavailable("the server cannot be reached")

    monkeypatch.setattr(sources, "downloaded_weights", unreachable)
    for switched_on, cause in ((True, "cannot be reached"), (False, "switched off")):
        weights = find_weights(named=None, folder=tmp_path, download=switched_on)
        assert (weights.source, weights.file) == (WeightsSource.BUILT_IN, BUILT_IN)
        assert cause in weights.warning
        assert "CUSTOMVISION_BACKBONE_WEIGHTS" in weights.warning


def test_download_must_stay_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A downloaded file that changed is fetched again, and taken only where it is what came first."""
    served = b"first"
    monkeypatch.setattr(download, "_probe", lambda: None)
    monkeypatch.setattr(download, "_fetch", lambda folder: (folder / FILE_NAME).write_bytes(served))
    assert downloaded_weights(tmp_path).read_bytes() == b"first"
    (tmp_path / FILE_NAME).write_bytes(b"changed on disk")
    assert downloaded_weights(tmp_path).read_bytes() == b"first"
    (tmp_path / FILE_NAME).write_bytes(b"changed on disk")
    served = b"another"
    for _ in range(2):
        with pytest.raises(DownloadUnavailable, match="differs from the first one"):
            downloaded_weights(tmp_path)
    served = b"first"
    assert downloaded_weights(tmp_path).read_bytes() == b"first"


def test_missing_file_stops_the_start(settings: Settings) -> None:
    """A weights file that was named and does not exist is a mistake in the setting, said in one sentence."""
    with pytest.raises(ConfigurationError, match="CUSTOMVISION_BACKBONE_WEIGHTS"):
        BackbonePreparation(replace(settings, backbone_weights=Path("/nowhere/w.h5")))


async def test_prepared_backbone_is_used_again(prepared_settings: Settings, prepared_folder: Path) -> None:
    """A second preparation finds the first one's files, whole, and makes nothing."""
    backbone = await BackbonePreparation(prepared_settings).backbone()
    assert digest_of(backbone.backbone_file.read_bytes()) == backbone.backbone_sha256
    assert digest_of(backbone.weights_file.read_bytes()) == backbone.weights_sha256
    assert made_at(Path(backbone.folder)) == made_at(prepared_folder / backbone.backbone_id)


def made_at(folder: Path) -> list[int]:
    """Returns when each file of a prepared backbone was written; copies keep that time."""
    return [file.stat().st_mtime_ns for file in sorted(folder.iterdir())]


async def test_unusable_file_fails_the_run_with_its_reason(settings: Settings, keys: Keys, tmp_path: Path) -> None:
    """A named file that is no MobileNetV2 fails the run, naming the file, in the run and in the iteration."""
    text = tmp_path / "weights.h5"
    text.write_text("no weights")
    suite = TrainingSuite(replace(settings, backbone_weights=text), keys)
    await suite.start_project()
    await suite.start_training()
    try:
        project_id, _ = await suite.colored_project(per_tag=5)
        run = await suite.finished(await suite.start(project_id))
        assert run.state == training_service_pb2.TRAINING_STATE_FAILED
        assert run.failure_reason == "The weights file weights.h5 is no readable HDF5 file."
        await suite.iteration_with(project_id, run.iteration_id, iterations_pb2.ITERATION_STATUS_FAILED)
        with pytest.raises(BackboneUnavailable):
            await BackbonePreparation(suite.settings).backbone()
    finally:
        await suite.stop_training()
        await suite.stop_project()
