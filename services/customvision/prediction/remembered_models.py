"""The list of what is published as it was last known, so that a restart without the project service can serve."""

import json
from collections.abc import Collection
from pathlib import Path

import structlog

from customvision.common.durable_files import write_durably
from customvision.prediction.publication import ModelName, PublishedModel

FORMAT_VERSION = 1

log = structlog.get_logger()


def read_remembered(path: Path) -> list[PublishedModel]:
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


def write_remembered(path: Path, models: Collection[PublishedModel]) -> None:
    """Replaces the file by one that lists ``models``. Raises OSError where it cannot be written."""
    entries = [_to_entry(model) for model in sorted(models, key=lambda model: model.name)]
    write_durably(path, json.dumps({"format_version": FORMAT_VERSION, "models": entries}).encode())


def _to_entry(model: PublishedModel) -> dict[str, str]:
    return {
        "project_id": model.name.project_id,
        "publish_name": model.name.publish_name,
        "iteration_id": model.iteration_id,
        "model_sha256": model.model_sha256,
        "backbone_sha256": model.backbone_sha256,
    }


def _from_entry(entry: dict[str, str]) -> PublishedModel:
    name = ModelName(str(entry["project_id"]), str(entry["publish_name"]))
    return PublishedModel(name, str(entry["iteration_id"]), str(entry["model_sha256"]), str(entry["backbone_sha256"]))
