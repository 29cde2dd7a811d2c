"""Which fine-tuned networks are in memory: those asked last, within a budget; the others come back when asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from customvision.common.errors import InvalidArgument, NotFound, ServiceError
from customvision.prediction.errors import ModelDamaged, ModelLoading, ModelNotFetched
from customvision.prediction.model import Model
from customvision.prediction.network import Network
from customvision.prediction.turns import Turns
from customvision.vision.artifacts import ArtifactInvalid
from customvision.vision.trunk import Trunk

# So many calls may wait for one network to come back; each holds its image.
MAX_WAITING = 32

LoadTrunk = Callable[[Network], Awaitable[Trunk]]


class Residency:
    """Belongs to one event loop. Networks that are there for every project are loaded here too, but never leave."""

    def __init__(
        self,
        load: LoadTrunk,
        budget_bytes: int,
        *,
        on_damaged: Callable[[Model, str], None] = lambda _model, _reason: None,
    ) -> None:
        """``load`` compiles a network, off the event loop. What networks hold by estimate stays within the budget, but
        for the one that is loaded, and for one that is kept however small the budget is.

        ``on_damaged`` is told of a model that answered once and whose network cannot be loaded again, and why.
        """
        self._load = load
        self._budget_bytes = budget_bytes
        self._on_damaged = on_damaged
        # Fine-tuned networks in memory, the least recently used first; those that no model rests on any more go by
        # themselves.
        self._resident: WeakKeyDictionary[Network, None] = WeakKeyDictionary()
        self._turns = Turns()
        self._left = asyncio.Event()
        self._loads: set[asyncio.Task[None]] = set()

    @property
    def held_bytes(self) -> int:
        """What fine-tuned networks hold in memory, by estimate. May be asked on any thread."""
        return sum(network.memory_bytes for network in list(self._resident))

    def close(self) -> None:
        """Stops every load."""
        for load in self._loads:
            load.cancel()

    @contextlib.asynccontextmanager
    async def ready(self, model: Model, seconds: float) -> AsyncIterator[None]:
        """Holds a model's network in memory inside the block, waiting up to ``seconds`` for it to come back.

        Raises ModelLoading where that is not long enough, ModelNotFetched, ModelDamaged.
        """
        model.last_use_time = datetime.now(UTC)
        if not model.network.fine_tuned and model.network.resident:
            yield
            return
        async with contextlib.AsyncExitStack() as stack:
            with self._explained_errors(model):
                if model.network.waiting >= MAX_WAITING:
                    raise TimeoutError
                async with asyncio.timeout(max(seconds, 0.0)):
                    await stack.enter_async_context(self.in_use(model.network, urgent=True))
            yield

    @contextlib.asynccontextmanager
    async def in_use(self, network: Network, *, urgent: bool = False) -> AsyncIterator[Trunk]:
        """Holds a network in memory inside the block; ``urgent`` where a caller waits. Raises what loading it raises.

        It is loaded once however many want it.
        """
        network.waiting += 1
        try:
            while network.trunk is None or network.leaving:
                # Who gives up does not stop it for the others.
                await asyncio.shield(network.loaded or self._begin_load(network, urgent=urgent))
        finally:
            network.waiting -= 1
        network.computing += 1
        if network.fine_tuned:
            self._resident[network] = self._resident.pop(network, None)
        try:
            yield network.trunk
        finally:
            network.computing -= 1
            if network.leaving and not network.computing:
                self._let_go(network)

    def load_if_room(self, network: Network) -> None:
        """Begins to load a network that nobody asks yet, unless others would have to go for it when its turn comes."""
        if network.trunk is None and network.loaded is None:
            self._begin_load(network, urgent=False, unasked=True)

    def _begin_load(self, network: Network, *, urgent: bool, unasked: bool = False) -> "asyncio.Future[None]":
        loaded = network.loaded = asyncio.get_running_loop().create_future()
        load = asyncio.create_task(self._load_in_turn(network, loaded, urgent=urgent, unasked=unasked))
        self._loads.add(load)
        load.add_done_callback(self._loads.discard)
        return loaded

    async def _load_in_turn(
        self, network: Network, loaded: "asyncio.Future[None]", *, urgent: bool, unasked: bool
    ) -> None:
        try:
            async with self._turns.turn(urgent=urgent):
                if network.trunk is None and (network.waiting or (unasked and self._has_room())):
                    network.trunk = await self._load(network)
                _finish(network, loaded)
                if network.fine_tuned and network.resident:
                    self._resident[network] = None
                    await self._make_room(network)
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            _finish(network, loaded, error)
        finally:
            if not loaded.done():
                loaded.cancel()

    def _has_room(self) -> bool:
        """Tells whether another network, as large as the largest, would fit."""
        largest = max((network.memory_bytes for network in self._resident), default=0)
        return self.held_bytes + largest <= self._budget_bytes

    async def _make_room(self, newest: Network) -> None:
        """Has networks go, the least recently used first, until what stays is within the budget."""
        while self.held_bytes > self._budget_bytes and (others := [it for it in self._resident if it is not newest]):
            idle = next((it for it in others if _is_idle(it)), None)
            busy = next((it for it in others if it.computing), None)
            if idle is not None:
                self._let_go(idle)
            elif busy is not None:
                # It takes no new callers; they load it again in their turn.
                busy.leaving = True
                self._left.clear()
                await self._left.wait()
            else:
                # Just loaded: who waited for it is about to compute.
                await asyncio.sleep(0)
        for network in list(self._resident):
            network.leaving = False

    def _let_go(self, network: Network) -> None:
        self._resident.pop(network, None)
        network.trunk, network.leaving = None, False
        self._left.set()

    @contextlib.contextmanager
    def _explained_errors(self, model: Model) -> Iterator[None]:
        """Turns what can happen while a network is loaded into what its caller should know."""
        published = model.published
        metadata = {
            "project_id": published.name.project_id,
            "publish_name": published.name.publish_name,
            "iteration_id": published.iteration_id,
        }
        try:
            yield
        except TimeoutError as error:
            raise ModelLoading("The model is being loaded; try again in a moment.", metadata=metadata) from error
        except (ArtifactInvalid, NotFound, InvalidArgument) as error:
            self._on_damaged(model, str(error))
            raise ModelDamaged(
                f"The model could not be loaded again: {error} Publish another iteration.", metadata=metadata
            ) from error
        except ServiceError as error:
            raise ModelNotFetched(
                f"The model could not be fetched again; try again: {error.message}", metadata=metadata
            ) from error


def _is_idle(network: Network) -> bool:
    """Tells whether nobody computes with a network, nor is about to without loading it again."""
    return not network.computing and (not network.waiting or network.loaded is not None)


def _finish(network: Network, loaded: "asyncio.Future[None]", error: Exception | None = None) -> None:
    """Tells those who wait that the load is over."""
    network.loaded = None
    if error is None:
        loaded.set_result(None)
    elif not loaded.done():
        loaded.set_exception(error)
        # Looked at here: perhaps nobody waits any more.
        loaded.exception()
