"""One publish name: the model that answers under it, and the one that is being loaded to take its place."""

import asyncio
import enum
import random
from collections.abc import Awaitable, Callable

import structlog

from customvision.common.errors import InvalidArgument, NotFound, ServiceError
from customvision.prediction.model import Model
from customvision.prediction.publication import PublishedModel
from customvision.vision.artifacts import ArtifactInvalid

FIRST_PAUSE_SECONDS = 1.0
LAST_PAUSE_SECONDS = 60.0

LoadModel = Callable[[PublishedModel], Awaitable[Model]]

log = structlog.get_logger()


class ModelState(enum.Enum):
    """How the published iteration is doing, whatever answers meanwhile."""

    LOADING = "loading"
    AVAILABLE = "available"
    FAILED = "failed"


class ServedModel:
    """Belongs to one event loop. ``model`` is replaced in one assignment, once its successor is warm.

    ``model`` is None until a first load succeeds. ``failure_reason`` is a sentence while ``state`` is FAILED;
    ``retrying`` says that another attempt will follow by itself. ``on_change`` is called after each change of state.
    """

    def __init__(self, published: PublishedModel, load: LoadModel, on_change: Callable[[], None]) -> None:
        self.published = published
        self.model: Model | None = None
        self.state = ModelState.LOADING
        self.failure_reason = ""
        self.retrying = False
        self._load = load
        self._on_change = on_change
        self._task = asyncio.create_task(self._load_until_settled())

    def publish(self, published: PublishedModel) -> None:
        """Begins to load ``published``, unless it answers or is being loaded already."""
        if published == self.published and self.state is not ModelState.FAILED:
            return
        self._task.cancel()
        self.published = published
        self._settle(ModelState.LOADING)
        self._task = asyncio.create_task(self._load_until_settled())

    def close(self) -> None:
        """Stops loading."""
        self._task.cancel()

    async def _load_until_settled(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not await self._load_once():
            # Not all at the same moment, when many models wait for one project service.
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
            pause = min(2 * pause, LAST_PAUSE_SECONDS)
            self._settle(ModelState.LOADING)

    async def _load_once(self) -> bool:
        """Returns whether another attempt would change nothing."""
        published = self.published
        try:
            model = await self._load(published)
        except (ArtifactInvalid, NotFound, InvalidArgument) as error:
            self._fail(str(error), retrying=False)
        except ServiceError as error:
            self._fail(error.message, retrying=True)
        except Exception:
            log.exception("a model failed to load", iteration_id=published.iteration_id)
            self._fail("The model could not be loaded; the prediction service's log says why.", retrying=False)
        else:
            self.model = model
            self._settle(ModelState.AVAILABLE)
            log.info("model available", **_described(published))
        return not self.retrying

    def _fail(self, reason: str, *, retrying: bool) -> None:
        self._settle(ModelState.FAILED, reason, retrying=retrying)
        log.warning("model failed", reason=reason, retrying=retrying, **_described(self.published))

    def _settle(self, state: ModelState, failure_reason: str = "", *, retrying: bool = False) -> None:
        self.state = state
        self.failure_reason = failure_reason
        self.retrying = retrying
        self._on_change()


def _described(published: PublishedModel) -> dict[str, str]:
    return {
        "project_id": published.name.project_id,
        "publish_name": published.name.publish_name,
        "iteration_id": published.iteration_id,
    }
