"""One publish name: the model that answers under it, and the one that is being loaded to take its place."""

import asyncio
import enum
import random
from collections.abc import Awaitable, Callable

import structlog

from customvision.common.errors import InvalidArgument, NotFound, ServiceError
from customvision.prediction.model import Model
from customvision.prediction.publication import ModelName, PublishedModel
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

    ``model`` is None until a first load succeeds. ``answered`` is the iteration that answered last, the one from
    before a restart included. ``failure_reason`` is a sentence once an attempt to load has failed; ``retrying`` says
    that the next one is being waited for. ``state`` is FAILED only where no other attempt will follow by itself.
    ``on_change`` is called after each change of state or of what answers, ``on_replace`` when ``answered`` has changed.
    """

    __slots__ = (
        "_load",
        "_on_change",
        "_on_replace",
        "_take_up",
        "_task",
        "answered",
        "failure_reason",
        "model",
        "published",
        "retrying",
        "state",
    )

    def __init__(
        self,
        published: PublishedModel,
        answered: PublishedModel | None,
        load: LoadModel,
        take_up: LoadModel,
        *,
        on_change: Callable[[ModelName], None],
        on_replace: Callable[[], None],
    ) -> None:
        """``take_up`` loads an iteration that was verified before a restart, ``load`` any other."""
        self.published = published
        self.answered = answered
        self.model: Model | None = None
        self.state = ModelState.LOADING
        self.failure_reason = ""
        self.retrying = False
        self._load = load
        self._take_up = take_up
        self._on_change = on_change
        self._on_replace = on_replace
        self._task = asyncio.create_task(self._load_until_settled())

    @property
    def tried(self) -> bool:
        """True once an iteration answers, or an attempt to load one has failed."""
        return self.model is not None or bool(self.failure_reason)

    def publish(self, published: PublishedModel) -> bool:
        """Begins to load ``published`` and returns True, unless it answers or is being loaded already."""
        if published == self.published and self.state is not ModelState.FAILED and not self.retrying:
            return False
        self._task.cancel()
        self.published = published
        self._settle(ModelState.LOADING)
        self._task = asyncio.create_task(self._load_until_settled())
        return True

    def close(self) -> None:
        """Stops loading."""
        self._task.cancel()

    def lose(self, reason: str) -> None:
        """Takes the model out of service: its network made room for others and cannot be loaded again."""
        self.model = None
        if self.answered == self.published:
            self._fail(reason, retrying=False)
        else:
            self._on_change(self.published.name)
        self.answered = None
        self._on_replace()

    async def _load_until_settled(self) -> None:
        if self.model is None and self.answered is not None and self.answered != self.published:
            await self._load_answered(self.answered)
        pause = FIRST_PAUSE_SECONDS
        while not await self._load_once():
            # Not all at the same moment, when many models wait for one project service.
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
            pause = min(2 * pause, LAST_PAUSE_SECONDS)
            self._settle(ModelState.LOADING, self.failure_reason)

    async def _load_answered(self, answered: PublishedModel) -> None:
        """Has the iteration from before a restart answer until the published one does, where it still can."""
        try:
            self.model = await self._take_up(answered)
        except Exception as error:  # noqa: BLE001 - whatever it is, the published iteration is what counts
            log.warning("the model that answered before cannot be loaded", reason=str(error), **_described(answered))
        else:
            self._on_change(answered.name)
            log.info("model of before available", **_described(answered))

    async def _load_once(self) -> bool:
        """Returns whether another attempt would change nothing."""
        published = self.published
        load = self._take_up if self.model is None and self.answered == published else self._load
        try:
            model = await load(published)
        except (ArtifactInvalid, NotFound, InvalidArgument) as error:
            self._fail(str(error), retrying=False)
        except ServiceError as error:
            self._fail(error.message, retrying=True)
        except Exception:
            log.exception("a model failed to load", iteration_id=published.iteration_id)
            self._fail("The model could not be loaded; the prediction service's log says why.", retrying=False)
        else:
            self._answer_with(model)
            log.info("model available", **_described(published))
        return not self.retrying

    def _answer_with(self, model: Model) -> None:
        replaced = self.answered != model.published
        self.model = model
        self.answered = model.published
        self._settle(ModelState.AVAILABLE)
        if replaced:
            self._on_replace()

    def _fail(self, reason: str, *, retrying: bool) -> None:
        self._settle(ModelState.LOADING if retrying else ModelState.FAILED, reason, retrying=retrying)
        log.warning("model failed", reason=reason, retrying=retrying, **_described(self.published))

    def _settle(self, state: ModelState, failure_reason: str = "", *, retrying: bool = False) -> None:
        self.state = state
        self.failure_reason = failure_reason
        self.retrying = retrying
        self._on_change(self.published.name)


def _described(published: PublishedModel) -> dict[str, str]:
    return {
        "project_id": published.name.project_id,
        "publish_name": published.name.publish_name,
        "iteration_id": published.iteration_id,
    }
