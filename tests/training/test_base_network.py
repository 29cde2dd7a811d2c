"""Advanced trainings that begin with the network of an earlier iteration."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import h5py
import numpy as np
import pytest

from customvision.training.backbones.nuisances import Nuisances
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.backbones.sources import BUILT_IN
from customvision.training.backbones.weights_file import LEVELS, LEVELS_AND_SPREAD, read_nuisances, read_shape
from customvision.training.computation.advanced_training import on_base
from customvision.training.computation.job import BaseModel, Job
from customvision.v1 import artifacts_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import BackboneArtifact


@pytest.fixture
def job(prepared_folder: Path, tmp_path: Path) -> Job:
    """An advanced job on the built-in backbone."""
    (description,) = prepared_folder.rglob("backbone.json")
    backbone = PreparedBackbone(
        "id", "mobilenet_v2_0.5_160", "built_in", "0" * 64, "0" * 64, folder=str(description.parent)
    )
    return Job("run", "project", "iteration", backbone, "", "", "key", checkpoint_folder=str(tmp_path / "checkpoints"))


def project_with(weights: bytes) -> ProjectServiceStub:
    """Returns a project service that has one artifact."""

    def get_artifact(request: artifacts_pb2.GetArtifactRequest, timeout: float) -> Iterator[Any]:  # noqa: ARG001
        assert request.sha256 == "c" * 64
        yield artifacts_pb2.ArtifactChunk(data=weights[:1000])
        yield artifacts_pb2.ArtifactChunk(data=weights[1000:])

    return cast("ProjectServiceStub", SimpleNamespace(GetArtifact=get_artifact))


def test_job_without_a_base_is_left_as_it_is(job: Job) -> None:
    """Where there is no base, the domain's backbone stays."""
    assert on_base(project_with(b""), job) is job


def test_network_of_an_older_version_is_begun_with(job: Job, tmp_path: Path) -> None:
    """Weights whose notes are those of an older version, which took other features, are made ready with today's, under
    an id of their own; what they were is the domain's backbone no more."""
    older = tmp_path / "older.weights.h5"
    older.write_bytes(job.backbone.weights_file.read_bytes())
    with h5py.File(older, "r+") as content:
        del content.attrs["customvision_features"]
        content.attrs["customvision_inner_scales"] = (0.5, 2.0, 3.0)
        del content["customvision_nuisances"]
    project, based = project_with(older.read_bytes()), replace(job, base=BaseModel("a" * 64, "b" * 64, "c" * 64))
    begun = on_base(project, based)
    # As after a kill.
    assert on_base(project, based) == begun
    assert read_shape(begun.backbone.weights_file).features == LEVELS
    assert begun.backbone.architecture == job.backbone.architecture
    assert f"/{LEVELS}/" in begun.backbone.backbone_id
    artifact = BackboneArtifact.from_bytes(begun.backbone.backbone_file.read_bytes())
    assert artifact.backbone_id == begun.backbone.backbone_id
    assert artifact.input_size == 160


def test_network_keeps_the_features_that_it_asks_for(job: Job) -> None:
    """A network that was begun with the built-in backbone, whose inner maps are told with their spread, keeps that, and
    what is known of its nuisances."""
    weights = job.backbone.weights_file.read_bytes()
    begun = on_base(project_with(weights), replace(job, base=BaseModel("a" * 64, "b" * 64, "c" * 64)))
    assert read_shape(begun.backbone.weights_file).features == LEVELS_AND_SPREAD
    assert f"/{LEVELS_AND_SPREAD}/" in begun.backbone.backbone_id
    known = Nuisances.load(begun.backbone.nuisances_file).to_arrays()
    assert known
    assert all(np.array_equal(known[name], array) for name, array in read_nuisances(BUILT_IN).to_arrays().items())
