"""A model that the product trained, and any number of models like it."""

import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from figures import tell
from photos import class_photos

from customvision.client import Client
from customvision.v1 import artifacts_pb2
from customvision.vision.artifacts import ArtifactInvalid, BackboneArtifact, ModelArtifact
from suite import EMBED_WHEN_ASKED, running_suite
from training import create_project, train, upload

PER_CLASS = 10


@dataclass(frozen=True)
class TrainedModel:
    """The two artifacts of an iteration, the backbone's as bytes."""

    backbone: bytes
    model: ModelArtifact

    def variation(self, number: int) -> ModelArtifact:
        """Returns a model with the same weights and tags of its own; each ``number`` gives another artifact."""
        labels = tuple(
            replace(label, tag_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{number} {label.tag_id}")))
            for label in self.model.labels
        )
        return replace(self.model, labels=labels)


def train_model(folder: Path, weights: dict[str, str]) -> TrainedModel:
    """Has a suite train a quick model on a few photos and returns what it trained; ``weights`` are settings."""
    tell("training the model to measure with")
    photos = class_photos(folder, per_class=PER_CLASS)
    with running_suite(folder / "training", weights | EMBED_WHEN_ASKED) as suite, suite.client() as client:
        project_id, tags = create_project(client, list(photos))
        upload(client, project_id, tags, photos)
        train(client, project_id, photos[next(iter(photos))][0])
        artifacts = next(client.list_iterations(project_id)).artifacts
        backbone = _artifact(client, artifacts.backbone_sha256)
        model = ModelArtifact.from_bytes(_artifact(client, artifacts.model_sha256))
    if BackboneArtifact.from_bytes(backbone).backbone_id != model.backbone_id:
        raise ArtifactInvalid("The iteration names a backbone that is not its model's.")
    return TrainedModel(backbone, model)


def _artifact(client: Client, sha256: str) -> bytes:
    return b"".join(chunk.data for chunk in client.project.GetArtifact(artifacts_pb2.GetArtifactRequest(sha256=sha256)))
