"""Artifacts whose tags and images get other ids."""

import json

import numpy as np
import pytest

from customvision.training.evaluation.cross_validation import CrossValidation
from customvision.training.evaluation.performance import Evaluation
from customvision.vision.artifact_ids import with_other_ids
from customvision.vision.artifacts import ArtifactInvalid, ModelArtifact, pack
from models import model


def test_a_model_keeps_all_but_its_ids() -> None:
    """Names, also those that look like ids, weights and figures stay; what the mapping lacks stays, too."""
    original = model(("red", "tag-of-red", "blue"))
    data = with_other_ids(original.to_bytes(), kind="model", tag_ids={"tag-of-red": "1", "tag-of-tag-of-red": "2"})
    read = ModelArtifact.from_bytes(data)
    assert [(label.tag_id, label.tag_name) for label in read.labels] == [
        ("1", "red"),
        ("2", "tag-of-red"),
        ("tag-of-blue", "blue"),
    ]
    assert (read.head.weights == original.head.weights).all()
    assert (read.metrics, read.backbone_sha256) == (original.metrics, original.backbone_sha256)
    assert with_other_ids(original.to_bytes(), kind="model", tag_ids={}) == original.to_bytes()


def test_no_id_of_an_evaluation_is_left() -> None:
    """All that names a tag or an image is replaced, whatever else an evaluation holds."""
    original = Evaluation(
        image_ids=("image-a", "image-b"),
        tag_ids=("tag-a", "tag-b"),
        tag_names=("rose", "dahlia"),
        image_counts=(5, 6),
        multilabel=False,
        truth=np.eye(2, dtype=np.uint8),
        probabilities=np.full((2, 2), 0.5, np.float32),
        uncalibrated=np.full((2, 2), 0.25, np.float32),
        cross_validation=CrossValidation(5, 0.8, 0.05, 0.85, 0.04),
    )
    data = with_other_ids(
        original.to_bytes(),
        kind="evaluation",
        tag_ids={"tag-a": "1", "tag-b": "2"},
        image_ids={"image-a": "3", "image-b": "4"},
    )
    assert not any(text in data for text in (b"image-a", b"image-b", b"tag-a", b"tag-b"))
    read = Evaluation.from_bytes(data)
    assert (read.tag_ids, read.image_ids) == (("1", "2"), ("3", "4"))
    assert read.performance().overall == original.performance().overall
    assert read.cross_validation == original.cross_validation


@pytest.mark.parametrize(
    "data",
    [
        b"no zip",
        model().to_bytes()[:-10],
        pack({"kind": "model", "labels": [{}]}, {}),
        pack({"kind": "model", "labels": 7}, {}),
        pack({"kind": "model", "labels": [], "tag_ids": 7}, {}),
        pack({"kind": "model", "labels": []}, {"image_ids.json": b"{"}),
        pack({"kind": "model", "labels": []}, {"image_ids.json": json.dumps(7).encode()}),
        pack({"kind": "model", "labels": [], "tag_ids": [[]]}, {}),
    ],
)
def test_what_cannot_be_read_is_invalid(data: bytes) -> None:
    """Damage and surprises in the file are one error."""
    with pytest.raises(ArtifactInvalid):
        with_other_ids(data, kind="model", tag_ids={})
