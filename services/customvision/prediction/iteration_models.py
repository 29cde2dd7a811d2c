"""Models that are asked for by iteration, published or not: loaded on demand; those asked for last are kept."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from customvision.common.errors import InvalidArgument, NotFound, ServiceError
from customvision.prediction.errors import (
    IterationIdMissing,
    ModelDamaged,
    ModelLoading,
    ModelNotFetched,
    ProjectIdMissing,
)
from customvision.prediction.model import Model
from customvision.prediction.publication import PublishedModel
from customvision.prediction.served_model import LoadModel
from customvision.vision.artifacts import ArtifactInvalid

# A fine-tuned model takes tens of megabytes; whoever tries iterations out tries a few.
MAX_MODELS = 8

FindIteration = Callable[[str, str], Awaitable[PublishedModel]]

log = structlog.get_logger()


class IterationModels:
    """Belongs to one event loop. ``on_drop`` is called when a model was let go of, so that its files can go too."""

    def __init__(
        self, find: FindIteration, load: LoadModel, *, on_drop: Callable[[], None], most: int = MAX_MODELS
    ) -> None:
        """``find`` asks the project service what an iteration is made of."""
        self._find = find
        self._load = load
        self._on_drop = on_drop
        self._most = most
        # The least recently used first.
        self._loads: dict[PublishedModel, asyncio.Future[Model]] = {}

    @property
    def digests(self) -> set[str]:
        """The digests of the files that the kept models are made of."""
        return {digest for iteration in self._loads for digest in iteration.digests}

    def close(self) -> None:
        """Stops every load."""
        for load in self._loads.values():
            load.cancel()
        self._loads.clear()

    async def find(self, project_id: str, iteration_id: str, *, seconds: float) -> Model:
        """Returns an iteration's model, waiting up to ``seconds`` for it to load.

        The project service is asked each time, so that a deleted iteration stops answering. Raises ProjectIdMissing,
        IterationIdMissing, IterationNotCompleted, ModelLoading, ModelNotFetched, ModelDamaged, and what the project
        service answers for an iteration that there is not.
        """
        if not project_id:
            raise ProjectIdMissing("project_id is empty; name the project whose model to ask.", field="project_id")
        if not iteration_id:
            raise IterationIdMissing("iteration_id is empty; name the iteration to ask.", field="iteration_id")
        try:
            iteration = await self._find(project_id, iteration_id)
        except NotFound:
            self._forget(project_id, iteration_id)
            raise
        load = self._begun(iteration)
        done, _ = await asyncio.wait([load], timeout=max(seconds, 0.0))
        metadata = {"project_id": project_id, "iteration_id": iteration_id}
        if not done:
            raise ModelLoading("The iteration's model is being loaded; try again in a moment.", metadata=metadata)
        return _loaded(load, metadata)

    def _begun(self, iteration: PublishedModel) -> "asyncio.Future[Model]":
        load = self._loads.pop(iteration, None)
        if load is None:
            load = asyncio.ensure_future(self._load(iteration))
            load.add_done_callback(lambda ended: self._ended(iteration, ended))
        self._loads[iteration] = load
        return load

    def _ended(self, iteration: PublishedModel, load: "asyncio.Future[Model]") -> None:
        # One that failed is tried again when it is asked for again.
        if (load.cancelled() or load.exception() is not None) and self._loads.get(iteration) is load:
            self._drop(iteration)
        for oldest in [kept for kept, kept_load in self._loads.items() if kept_load.done()]:
            if len(self._loads) <= self._most:
                break
            self._drop(oldest)

    def _forget(self, project_id: str, iteration_id: str) -> None:
        for kept in list(self._loads):
            if (kept.name.project_id, kept.iteration_id) == (project_id, iteration_id):
                self._loads[kept].cancel()
                self._drop(kept)

    def _drop(self, iteration: PublishedModel) -> None:
        del self._loads[iteration]
        self._on_drop()


def _loaded(load: "asyncio.Future[Model]", metadata: dict[str, str]) -> Model:
    """Returns the model of a load that has ended, or raises what its caller should know."""
    try:
        return load.result()
    except (ArtifactInvalid, NotFound, InvalidArgument) as error:
        raise ModelDamaged(
            f"The iteration's model could not be loaded: {error} Ask another iteration.", metadata=metadata
        ) from error
    except ServiceError as error:
        raise ModelNotFetched(
            f"The iteration's model could not be fetched; try again: {error.message}", metadata=metadata
        ) from error
    except asyncio.CancelledError as error:
        raise ModelLoading("The iteration went while its model was loaded; try again.", metadata=metadata) from error
