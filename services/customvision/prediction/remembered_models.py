"""The list of what is published as it was last known, so that a restart serves what was served before it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from customvision.common.durable_files import write_durably
from customvision.prediction.publication import ModelName, PublishedModel

FORMAT_VERSION = 1

log = structlog.get_logger()


@dataclass(frozen=True)
class RememberedModel:
    """What is published under a name, and what answered there last: an older iteration until this one is loaded.

    An iteration that has answered was verified, and need not be again.
    """

    published: PublishedModel
    answered: PublishedModel | None

    @property
    def digests(self) -> set[str]:
        """The digests of the files that a restart needs."""
        return self.published.digests | (self.answered.digests if self.answered is not None else set())


def read_remembered(path: Path) -> list[RememberedModel]:
    """Returns the models that the file lists; none where it is missing or damaged, for the project service knows."""
    try:
        content = json.loads(path.read_text())
        if content["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format {content['format_version']}")
        return [_from_entry(entry) for entry in content["models"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the list of published models cannot be read; waiting for the project service", error=str(error))
        return []


def write_remembered(path: Path, models: Collection[RememberedModel]) -> None:
    """Replaces the file by one that lists ``models``. Raises OSError where it cannot be written."""
    entries = [_to_entry(model) for model in models]
    write_durably(path, json.dumps({"format_version": FORMAT_VERSION, "models": entries}).encode())


def _to_entry(model: RememberedModel) -> dict[str, Any]:
    name = model.published.name
    entry = {"project_id": name.project_id, "publish_name": name.publish_name, **_to_iteration(model.published)}
    if model.answered is None:
        return entry
    return {**entry, "answered": _to_iteration(model.answered)}


def _to_iteration(model: PublishedModel) -> dict[str, str]:
    return {
        "iteration_id": model.iteration_id,
        "model_sha256": model.model_sha256,
        "backbone_sha256": model.backbone_sha256,
    }


def _from_entry(entry: dict[str, Any]) -> RememberedModel:
    name = ModelName(str(entry["project_id"]), str(entry["publish_name"]))
    answered = _from_iteration(name, entry["answered"]) if "answered" in entry else None
    return RememberedModel(_from_iteration(name, entry), answered)


def _from_iteration(name: ModelName, entry: dict[str, Any]) -> PublishedModel:
    return PublishedModel(name, str(entry["iteration_id"]), str(entry["model_sha256"]), str(entry["backbone_sha256"]))
