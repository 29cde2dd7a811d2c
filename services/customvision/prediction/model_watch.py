"""Tells a watcher every model that this server knows, then each change."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from customvision.common.notifier import ServiceStopping, wait
from customvision.prediction.publication import ModelName
from customvision.prediction.registry import Registry
from customvision.prediction.served_model import ServedModel

HEARTBEAT_SECONDS = 15.0


@dataclass(frozen=True)
class Removed:
    """Nothing is published under this name any more."""

    name: ModelName


@dataclass(frozen=True)
class AllTold:
    """Every known model has been told."""


@dataclass(frozen=True)
class Heartbeat:
    """Nothing happened for a while."""


ModelNews = ServedModel | Removed | AllTold | Heartbeat


async def watch_models(
    registry: Registry, project_id: str, *, heartbeat_seconds: float = HEARTBEAT_SECONDS
) -> AsyncGenerator[ModelNews, None]:
    """Yields every model, of one project where given, then AllTold, then each change; a heartbeat where all is quiet.

    Several changes of one model that come faster than they are read are told as one: how it is now. Raises
    ServiceStopping when the service stops, ModelsWatchBehind where a watcher read too slowly to be told the rest.
    """
    changes = registry.changes
    revision = changes.revision
    for name in registry.names(project_id):
        # One that went meanwhile is among the changes.
        served = registry.served(name)
        if served is not None:
            yield served
    yield AllTold()
    while True:
        touched = changes.subscribe(project_id)
        names, revision = changes.after(revision, project_id), changes.revision
        for name in names:
            yield registry.served(name) or Removed(name)
        if changes.closed:
            raise ServiceStopping
        if not await wait(touched, heartbeat_seconds):
            yield Heartbeat()
