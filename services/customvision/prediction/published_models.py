"""Follows what the project service says is published: for ever, across its absences, and across our own restarts."""

import asyncio
import contextlib
import time
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
from customvision.prediction.remembered_models import RememberedModel, read_remembered, write_remembered

FIRST_PAUSE_SECONDS = 0.1
LAST_PAUSE_SECONDS = 2.0
# Writing the list takes at most this share of the time, unless what changed would wait longer than that for it.
WRITING_SHARE = 0.05
LONGEST_WAIT_SECONDS = 5.0

Watch = Callable[[], AsyncGenerator[PublicationChange, None]]

log = structlog.get_logger()


class PublishedModels:
    """Keeps ``registry`` and the list in the file at ``path`` like what the project service has published."""

    def __init__(
        self,
        watch: Watch,
        registry: Registry,
        cache: ArtifactCache,
        path: Path,
        executor: Executor,
        *,
        also_needed: Callable[[], set[str]],
        remembers: bool = True,
    ) -> None:
        """Begins with the models that the file at ``path`` lists, so that they answer while project is away.

        ``also_needed`` gives the digests of artifacts that must stay though nothing published needs them. Without
        ``remembers`` another process writes the file.
        """
        self._watch = watch
        self._registry = registry
        self._cache = cache
        self._path = path
        self._executor = executor
        self._also_needed = also_needed
        self._remembers = remembers
        self._writing: asyncio.Future[None] | None = None
        for model in read_remembered(path):
            registry.publish(model.published, model.answered)

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
        """Writes the list after each change, then removes artifacts that nothing needs any longer, without end.

        Where it is cancelled it writes the last changes before it ends.
        """
        try:
            while True:
                await self._registry.to_remember.wait()
                began = time.monotonic()
                models = await self._write()
                if models is not None:
                    await self._remove_unneeded(models)
                    # The list is written whole: of many changes to a long one that come one after another, not each
                    # time.
                    pause = (time.monotonic() - began) * (1 / WRITING_SHARE - 1)
                    await asyncio.sleep(min(pause, LONGEST_WAIT_SECONDS))
        finally:
            if self._writing is not None:
                await asyncio.wait([self._writing])
            if self._registry.to_remember.is_set():
                await self._write()

    async def _remove_unneeded(self, models: list[RememberedModel]) -> None:
        """Removes artifacts that neither the list, once it is written, nor anything else needs."""
        try:
            # What the list names stays: one that a restart finds must never name artifacts that are gone.
            await self._cache.keep_only(
                lambda: _digests_of(models) | _digests_of(self._registry.remembered()) | self._also_needed()
            )
        except OSError as error:
            log.warning("artifacts that nothing needs could not be removed", error=str(error))

    async def _write(self) -> list[RememberedModel] | None:
        """Writes the list and returns it; None where that cannot be done, or not all is told yet."""
        self._registry.to_remember.clear()
        # Before all is told, a list would forget what is not told yet.
        if not self._registry.synchronized:
            return None
        models = self._registry.remembered()
        if not self._remembers:
            return models
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(self._executor, write_remembered, self._path, models)
        try:
            await asyncio.shield(self._writing)
        except OSError as error:
            log.warning("the list of published models could not be written", error=str(error))
            return None
        return models

    def _apply(self, change: PublicationChange, told: set[ModelName] | None) -> set[ModelName] | None:
        """Applies one change. ``told`` holds the names of the initial listing, and is None once that is complete."""
        match change:
            case PublishedModel():
                if told is not None:
                    told.add(change.name)
                self._registry.publish(change)
            case Unpublished():
                self._registry.unpublish(change.name)
            case Synchronized():
                self._drop_untold(told or set())
                self._registry.synchronize()
                log.info("connected to project", published=len(self._registry.names()))
                told = None
        return told

    def _drop_untold(self, told: set[ModelName]) -> None:
        for name in self._registry.names():
            if name not in told:
                self._registry.unpublish(name)


def _digests_of(models: list[RememberedModel]) -> set[str]:
    return set().union(*(model.digests for model in models))
