"""Backbone weights: where they are found, and what cannot be used."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import openvino
import pytest

from customvision.common.errors import ConfigurationError
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.backbones import download, sources
from customvision.training.backbones.architectures import DEFAULT, MOBILENET_V2, Architecture, architecture_of
from customvision.training.backbones.download import DownloadUnavailable, downloaded_weights
from customvision.training.backbones.nuisances import Nuisances
from customvision.training.backbones.preparation import BackbonePreparation, BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.backbones.sources import BUILT_IN, WeightsSource, find_weights
from customvision.training.backbones.weights_file import (
    LEVELS,
    LEVELS_AND_SPREAD,
    WeightsUnusable,
    read_nuisances,
    read_shape,
    write_notes,
)
from customvision.v1 import iterations_pb2, training_service_pb2
from customvision.vision.artifacts import BackboneArtifact, digest_of
from training_suite import TrainingSuite

NARROW = architecture_of("mobilenet_v2_0.35_224")
SMALL = architecture_of("mobilenet_v3_small_1.0_224")


def weights_file(file: Path, name: str = "mobilenet_v2_0.5_224", *more: tuple[int, ...]) -> Path:
    """Writes an HDF5 file that passes for weights of the network, with ``more`` arrays in it."""
    architecture = architecture_of(name)
    shapes = [*sorted(architecture.family.marks(architecture.width)), *more]
    return hdf5_file(file, shapes)


def hdf5_file(file: Path, shapes: Sequence[tuple[int, ...]]) -> Path:
    """Writes an HDF5 file with arrays of these shapes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w") as content:
        for number, shape in enumerate(shapes):
            content[f"layers/layer_{number}/vars/0"] = np.zeros(shape, np.float32)
    return file


def test_input_size_is_told_from_a_note(tmp_path: Path) -> None:
    """A file may say for which input size its network is; without that it is 224, and an impossible one is refused."""
    file = weights_file(tmp_path / "w.h5")
    assert read_shape(file).architecture == "mobilenet_v2_0.5_224"
    write_notes(file, input_size=160)
    assert read_shape(file).architecture == "mobilenet_v2_0.5_160"
    for impossible in (0, 100, 1_000_000):
        write_notes(file, input_size=impossible)
        with pytest.raises(WeightsUnusable, match="multiple of 32"):
            read_shape(file)


def test_features_are_told_from_a_note(tmp_path: Path) -> None:
    """A file says how features are taken; of older ones, scales that are too few or no positive numbers are refused."""
    file = weights_file(tmp_path / "w.h5")
    older = read_shape(file)
    assert (older.features, older.inner_scales, older.features_today) == ("", (), LEVELS)
    note(file, "customvision_inner_scales", (1.5, 2.0, 0.5))
    assert read_shape(file).inner_scales == (1.5, 2.0, 0.5)
    for impossible in ((1.0, 2.0), (1.0, float("nan"), 1.0), (1.0, -1.0, 1.0)):
        note(file, "customvision_inner_scales", impossible)
        with pytest.raises(WeightsUnusable, match="inner scales"):
            read_shape(file)
    newer = weights_file(tmp_path / "n.h5")
    write_notes(newer, input_size=160)
    shape = read_shape(newer)
    assert (shape.features, shape.inner_scales, shape.architecture) == (LEVELS, (), "mobilenet_v2_0.5_160")
    write_notes(newer, input_size=160, features=LEVELS_AND_SPREAD)
    assert read_shape(newer).features_today == LEVELS_AND_SPREAD


def test_features_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    """A file whose features this version cannot take is refused, rather than taken for one of an older version."""
    file = weights_file(tmp_path / "w.h5")
    note(file, "customvision_features", "levels-99")
    with pytest.raises(WeightsUnusable, match="levels-99"):
        read_shape(file)


def note(file: Path, name: str, value: object) -> None:
    """Writes a note into a weights file."""
    with h5py.File(file, "r+") as content:
        content.attrs[name] = value


def test_built_in_weights_are_small() -> None:
    """What comes with the product is a MobileNetV2 without a classifier, in at most 4 MB; of all its features it says
    how they differ from view to view."""
    assert read_shape(BUILT_IN).classes is None
    assert read_nuisances(BUILT_IN).feature_count == 3712
    assert BUILT_IN.stat().st_size <= 4_000_000


def test_other_networks_are_refused(tmp_path: Path) -> None:
    """An HDF5 file of another network, and a file that is no HDF5, are refused by name."""
    other = hdf5_file(tmp_path / "other.h5", [(3, 3, 3, 64)])
    text = tmp_path / "text.h5"
    text.write_text("no weights")
    for file in (other, text):
        with pytest.raises(WeightsUnusable, match=file.name):
            read_shape(file)


def test_order_of_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The named file comes before the data folder, that before the download."""
    folder = tmp_path / "backbones"
    named = weights_file(tmp_path / "named.h5")
    downloaded = weights_file(tmp_path / "downloaded.h5")
    monkeypatch.setattr(sources, "downloaded_weights", lambda *_: downloaded)
    assert find_weights(DEFAULT, named=None, folder=folder, download=True).source is WeightsSource.KERAS_DOWNLOAD
    weights_file(folder / "own.weights.h5")
    assert find_weights(DEFAULT, named=named, folder=folder, download=True).source is WeightsSource.PATH
    own = find_weights(DEFAULT, named=None, folder=folder, download=True)
    assert (own.source, own.file) == (WeightsSource.DATA_FOLDER, folder / "own.weights.h5")
    weights_file(folder / "second.weights.h5")
    assert "own.weights.h5 is used" in find_weights(DEFAULT, named=None, folder=folder, download=True).warning


def test_each_network_has_weights_of_its_own(tmp_path: Path) -> None:
    """Of several files in the data folder each network gets the one that fits it, also where the user names another."""
    folder = tmp_path / "backbones"
    files = {
        architecture: weights_file(folder / f"{name}.h5", architecture.name)
        for name, architecture in (("a", NARROW), ("b", DEFAULT), ("c", SMALL))
    }
    for architecture, file in files.items():
        found = find_weights(architecture, named=None, folder=folder, download=False)
        assert (found.source, found.file, found.warning) == (WeightsSource.DATA_FOLDER, file, "")
    for architecture in (NARROW, SMALL):
        other = find_weights(architecture, named=files[DEFAULT], folder=folder, download=False)
        assert other.file == files[architecture]
        own = find_weights(architecture, named=files[architecture], folder=folder, download=False)
        assert (own.source, own.file) == (WeightsSource.PATH, files[architecture])


def test_default_network_may_be_replaced(tmp_path: Path) -> None:
    """In place of the default network the named file's is used whatever it is, and any MobileNetV2 in the data folder.

    Weights of another kind in the data folder are there for the domain that they fit.
    """
    folder = tmp_path / "backbones"
    small = weights_file(folder / "a.h5", SMALL.name)
    assert find_weights(DEFAULT, named=None, folder=folder, download=False).source is WeightsSource.BUILT_IN
    assert find_weights(DEFAULT, named=small, folder=folder, download=False).file == small
    narrow = weights_file(folder / "b.h5", NARROW.name)
    assert find_weights(DEFAULT, named=None, folder=folder, download=False).file == narrow


def test_broken_files_are_told_where_they_were_wanted(tmp_path: Path) -> None:
    """A broken file that is named is an error for every domain; in the data folder, it is for the default one."""
    folder = tmp_path / "backbones"
    folder.mkdir()
    broken = folder / "broken.h5"
    broken.write_text("no weights")
    assert find_weights(DEFAULT, named=None, folder=folder, download=False).file == broken
    assert find_weights(SMALL, named=None, folder=folder, download=False).source is WeightsSource.BUILT_IN
    assert find_weights(DEFAULT, named=broken, folder=folder, download=False).file == broken
    with pytest.raises(WeightsUnusable, match=r"broken\.h5"):
        find_weights(SMALL, named=broken, folder=folder, download=False)


def test_built_in_weights_are_owned_up_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing else can be had, the built-in weights are used, and the warning says why and what to do."""

    def unreachable(*_: object) -> Path:
        raise DownloadUnavailable("the server cannot be reached")

    monkeypatch.setattr(sources, "downloaded_weights", unreachable)
    for switched_on, cause in ((True, "cannot be reached"), (False, "switched off")):
        weights = find_weights(DEFAULT, named=None, folder=tmp_path, download=switched_on)
        assert (weights.source, weights.file) == (WeightsSource.BUILT_IN, BUILT_IN)
        assert cause in weights.warning
        assert "CUSTOMVISION_BACKBONE_WEIGHTS" in weights.warning
        other = find_weights(SMALL, named=None, folder=tmp_path, download=switched_on)
        assert (other.source, other.file) == (WeightsSource.BUILT_IN, BUILT_IN)
        assert cause in other.warning
        assert f"in place of the domain's {SMALL.name}" in other.warning
        assert f"such as {SMALL.keras_url}, into the 'backbones' folder" in other.warning


def test_download_must_stay_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A downloaded file that changed is fetched again, and taken only where it is what came first; each has its own."""
    served = b"first"

    def fetch(architecture: Architecture, folder: Path) -> None:
        (folder / architecture.keras_file).write_bytes(served)

    monkeypatch.setattr(download, "_probe", lambda: None)
    monkeypatch.setattr(download, "_fetch", fetch)
    file = tmp_path / DEFAULT.keras_file
    assert downloaded_weights(DEFAULT, tmp_path).read_bytes() == b"first"
    file.write_bytes(b"changed on disk")
    assert downloaded_weights(DEFAULT, tmp_path).read_bytes() == b"first"
    file.write_bytes(b"changed on disk")
    served = b"another"
    for _ in range(2):
        with pytest.raises(DownloadUnavailable, match="differs from the first one"):
            downloaded_weights(DEFAULT, tmp_path)
    assert downloaded_weights(SMALL, tmp_path).read_bytes() == b"another"
    served = b"first"
    assert downloaded_weights(DEFAULT, tmp_path).read_bytes() == b"first"


def test_what_keras_does_not_publish_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a network that Keras has no weights of, no server is asked."""
    monkeypatch.setattr(download, "_probe", lambda: pytest.fail("asked"))
    with pytest.raises(DownloadUnavailable, match="publishes no weights of mobilenet_v3_small"):
        downloaded_weights(architecture_of("mobilenet_v3_small_1.0_96"), tmp_path)


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


async def test_prepared_backbone_knows_its_nuisances(prepared_settings: Settings) -> None:
    """What the weights say of how features differ from view to view lies beside the backbone, and in its weights."""
    backbone = await BackbonePreparation(prepared_settings).backbone()
    wanted = read_nuisances(BUILT_IN).to_arrays()
    for found in (Nuisances.load(backbone.nuisances_file), read_nuisances(backbone.weights_file)):
        arrays = found.to_arrays()
        assert all(np.array_equal(array, arrays[name]) for name, array in wanted.items())
    artifact = BackboneArtifact.from_bytes(backbone.backbone_file.read_bytes())
    assert Nuisances.load(backbone.nuisances_file).feature_count == artifact.feature_count


def test_prepared_backbone_is_lean(prepared_folder: Path, tmp_path: Path) -> None:
    """What runs has hardly more steps than its network has convolutions: none is turned, padded or scaled apart."""
    [file] = prepared_folder.rglob("backbone.zip")
    artifact = BackboneArtifact.from_bytes(file.read_bytes())
    core = openvino.Core()
    precision = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(*artifact.write_model(tmp_path)), "CPU", precision)
    kinds = Counter(step.get_rt_info()["layerType"].astype(str) for step in compiled.get_runtime_model().get_ops())
    assert kinds["Convolution"] == 52
    assert kinds["Transpose"] + kinds["Pad"] <= 2
    # What scales the features of each depth, and three steps for each spread, but not one after each convolution.
    assert kinds["Subgraph"] < 16 + 3 * len(MOBILENET_V2.inner_layers)


async def test_each_network_is_prepared_on_demand(prepared_settings: Settings) -> None:
    """Backbones are made ready for the networks that are asked for, and known apart; none disturbs another."""
    weights_file(prepared_settings.home / "backbones" / "small.h5", SMALL.name)
    backbones = BackbonePreparation(prepared_settings)
    # What passes for weights has too few of them, and the process that prepares it says so.
    small, narrow = await asyncio.gather(backbones.backbone(SMALL), backbones.backbone(NARROW), return_exceptions=True)
    assert isinstance(small, BackboneUnavailable)
    assert "do not fit Keras' MobileNetV3Small" in str(small)
    assert isinstance(narrow, PreparedBackbone)
    assert f"in place of the domain's {NARROW.name}" in narrow.warning
    assert backbones.known_backbone_id(NARROW) == narrow.backbone_id
    assert backbones.known_backbone_id(SMALL).startswith(SMALL.name)
    assert backbones.outcome() is None
    assert backbones.known_backbone_id() == ""
    with pytest.raises(BackboneUnavailable):
        backbones.outcome(SMALL)
    await backbones.stop()


async def test_failed_preparation_is_tried_again(prepared_settings: Settings) -> None:
    """A backbone whose preparation failed is made when it is asked for again, once its cause is mended."""
    folder = prepared_settings.home / "backbones"
    folder.mkdir()
    (folder / "broken.h5").write_text("no weights")
    backbones = BackbonePreparation(prepared_settings)
    with pytest.raises(BackboneUnavailable, match=r"broken\.h5"):
        await backbones.backbone()
    backbones.start()
    with pytest.raises(BackboneUnavailable):
        backbones.outcome()
    (folder / "broken.h5").unlink()
    assert (await backbones.backbone()).weights_source == "built_in"
    await backbones.stop()


def made_at(folder: Path) -> list[int]:
    """Returns when each file of a prepared backbone was written; copies keep that time."""
    return [file.stat().st_mtime_ns for file in sorted(folder.iterdir())]


@pytest.mark.parametrize("damage", ["missing", "misfit", "not finite", "no arrays", "of others"])
async def test_nuisances_that_cannot_be_used_are_told(settings: Settings, tmp_path: Path, damage: str) -> None:
    """A weights file whose nuisances are damaged, or of other features than its network has, is refused in a sentence
    that says what to do."""
    file = tmp_path / "own.weights.h5"
    file.write_bytes(BUILT_IN.read_bytes())
    with h5py.File(file, "r+") as content:
        group = content["customvision_nuisances"]
        if damage == "missing":
            del group["factors_3"]
        elif damage == "misfit":
            del group["factors_3"]
            group["factors_3"] = np.ones(5, np.float32)
        elif damage == "not finite":
            group["scale_0"][0] = np.nan
        elif damage == "no arrays":
            group.create_group("more")
        else:
            for name in ("directions_10", "factors_10", "scale_10"):
                del group[name]
    preparation = BackbonePreparation(replace(settings, backbone_weights=file))
    with pytest.raises(BackboneUnavailable, match=r"own\.weights\.h5 .* Measure them again: make nuisances\."):
        await preparation.backbone()


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
