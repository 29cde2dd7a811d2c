"""The health of each published model, worked out when it is asked for."""

import asyncio

from customvision.prediction.publication import ModelName
from customvision.prediction.registry import Registry


class ModelHealth:
    """Parts are named ``<project_id>/<publish_name>``."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def is_serving(self, part: str) -> bool | None:
        """Tells whether a model answers under the name; None where nothing is published under it."""
        served = self._registry.served(_name(part))
        return None if served is None else served.model is not None

    def changed(self, part: str) -> asyncio.Event:
        """Returns the event that the next change sets. Subscribe, then ask, then wait."""
        return self._registry.changes.subscribe(_name(part).project_id)

    def wake(self) -> None:
        """Sets the events of all parts."""
        self._registry.changes.wake()


def _name(part: str) -> ModelName:
    project_id, _, publish_name = part.partition("/")
    return ModelName(project_id, publish_name)
