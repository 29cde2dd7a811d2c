"""Follows what the project service says is published: for ever, across its absences, and across our own restarts."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from pathlib import Path

import structlog

from customvision.common.errors import ServiceError
from customvision.prediction.artifact_cache import ArtifactCache
from customvision.prediction.publication import (
    ModelName,
    PublicationChange,
    PublishedModel,
    Synchronized,
    Unpublished,
)
from customvision.prediction.registry import Registry
from customvision.prediction.remembered_models import read_remembered, write_remembered

FIRST_PAUSE_SECONDS = 0.1
LAST_PAUSE_SECONDS = 2.0

Watch = Callable[[], AsyncGenerator[PublicationChange, None]]

log = structlog.get_logger()


class PublishedModels:
    """Keeps ``registry`` and the list in the file at ``path`` like what the project service has published."""

    def __init__(self, watch: Watch, registry: Registry, cache: ArtifactCache, path: Path, executor: Executor) -> None:
        """Begins with the models that the file at ``path`` lists, so that they answer while project is away."""
        self._watch = watch
        self._registry = registry
        self._cache = cache
        self._path = path
        self._executor = executor
        self._published = {model.name: model for model in read_remembered(path)}
        self._changed = asyncio.Event()
        for model in self._published.values():
            registry.publish(model)

    async def follow(self) -> None:
        """Watches without end; reconnects after a pause that grows while project is away."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            changes, problem = await self._follow_once()
            if changes or pause == FIRST_PAUSE_SECONDS:
                log.warning("not connected to project; serving what is loaded", problem=problem)
            pause = FIRST_PAUSE_SECONDS if changes else min(2 * pause, LAST_PAUSE_SECONDS)
            await asyncio.sleep(pause)

    async def _follow_once(self) -> tuple[int, str]:
        """Watches until the connection ends; returns how many changes were told, and why it ended."""
        count = 0
        told: set[ModelName] | None = set()
        try:
            async with contextlib.aclosing(self._watch()) as changes:
                async for change in changes:
                    count += 1
                    told = self._apply(change, told)
        except ServiceError as error:
            return count, error.message
        except Exception:
            log.exception("the watch of published models failed")
            return count, "The watch failed."
        return count, "The project service ended the watch."

    async def remember(self) -> None:
        """Writes the list after each change, then removes artifacts that it names no longer, without end."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            models = tuple(self._published.values())
            try:
                await asyncio.get_running_loop().run_in_executor(self._executor, write_remembered, self._path, models)
                # The list first: one that a restart finds must never name artifacts that are gone.
                digests = {digest for model in models for digest in (model.model_sha256, model.backbone_sha256)}
                await self._cache.keep_only(frozenset(digests))
            except OSError as error:
                log.warning("the list of published models could not be written", error=str(error))

    def _apply(self, change: PublicationChange, told: set[ModelName] | None) -> set[ModelName] | None:
        """Applies one change. ``told`` holds the names of the initial listing, and is None once that is complete."""
        match change:
            case PublishedModel():
                if told is not None:
                    told.add(change.name)
                self._published[change.name] = change
                self._registry.publish(change)
            case Unpublished():
                self._drop(change.name)
            case Synchronized():
                self._drop_untold(told or set())
                self._registry.synchronize()
                log.info("connected to project", published=len(self._published))
                told = None
        if told is None:
            self._changed.set()
        return told

    def _drop_untold(self, told: set[ModelName]) -> None:
        for name in self._published.keys() - told:
            self._drop(name)

    def _drop(self, name: ModelName) -> None:
        self._published.pop(name, None)
        self._registry.unpublish(name)
