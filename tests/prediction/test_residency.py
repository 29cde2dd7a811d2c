"""Which fine-tuned networks are in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import pytest

from customvision.common.errors import ServiceError, Unavailable
from customvision.prediction.heads import read_head
from customvision.prediction.model import Model
from customvision.prediction.network import Network
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.prediction.residency import MAX_WAITING, Residency
from customvision.vision.artifacts import ArtifactInvalid
from customvision.vision.trunk import Trunk
from models import model
from prediction.running_suite import PATIENCE_SECONDS


class Loads:
    """Stands for compiling: takes note, and waits where it is told to; every network holds ten bytes."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None

    async def load(self, network: Network) -> Trunk:
        """Returns what passes for a trunk."""
        self.loaded.append(network.sha256)
        await self.open.wait()
        if self.error is not None:
            raise self.error
        network.memory_bytes = 10
        return cast("Trunk", object())


def tuned(name: str) -> Model:
    """Returns a model on a network of its own."""
    published = PublishedModel(ModelName("p", name), name, "", name)
    return Model(published, read_head(model().to_bytes()), Network(name, fine_tuned=True), datetime.now(UTC))


async def ask(residency: Residency, asked: Model, seconds: float = PATIENCE_SECONDS) -> None:
    """Holds a model in memory for a moment."""
    async with residency.ready(asked, seconds):
        assert asked.network.resident


async def until(condition: Callable[[], bool]) -> None:
    """Gives way until something is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0)


async def reason_of(call: Awaitable[None]) -> str:
    """Returns the reason that a call is refused for."""
    with pytest.raises(ServiceError) as raised:
        await call
    return raised.value.reason


async def test_a_network_is_loaded_once_however_many_ask() -> None:
    """Calls that come together wait for one load, and later ones for none."""
    loads = Loads()
    residency, asked = Residency(loads.load, 100), tuned("a")
    assert asked.last_use_time is None
    await asyncio.gather(*(ask(residency, asked) for _ in range(10)))
    await ask(residency, asked)
    assert loads.loaded == ["a"]
    assert asked.last_use_time is not None


async def test_those_asked_last_stay() -> None:
    """Past the budget the one that was not asked for longest goes, and comes back when it is asked."""
    loads = Loads()
    residency = Residency(loads.load, 20)
    a, b, c = tuned("a"), tuned("b"), tuned("c")
    for asked in (a, b, a, c):
        await ask(residency, asked)
    await until(lambda: residency.held_bytes == 20)
    assert [it.network.resident for it in (a, b, c)] == [True, False, True]
    assert b.memory_bytes == c.memory_bytes - 10
    await ask(residency, b)
    assert loads.loaded == ["a", "b", "c", "b"]


async def test_a_network_that_no_model_rests_on_any_more_goes() -> None:
    """What is unpublished leaves room without being pushed out."""
    residency, gone = Residency(Loads().load, 100), tuned("a")
    await ask(residency, gone)
    assert residency.held_bytes == 10
    del gone
    await until(lambda: residency.held_bytes == 0)


async def test_a_network_in_use_stays_until_its_callers_have_gone() -> None:
    """Nothing is taken from a call that computes; new ones wait their turn, and none waits for ever."""
    loads = Loads()
    residency, a, b = Residency(loads.load, 5), tuned("a"), tuned("b")
    async with residency.ready(a, PATIENCE_SECONDS):
        # Room for less than one: a second is loaded all the same, and then the first takes nobody else.
        await ask(residency, b)
        await until(lambda: a.network.leaving)
        again = asyncio.create_task(ask(residency, a))
        await until(lambda: a.network.waiting == 1)
        assert a.network.resident
    await again
    assert loads.loaded == ["a", "b", "a"]
    await until(lambda: residency.held_bytes == 10)


@pytest.mark.parametrize("budget", [1, 10, 20])
async def test_however_small_the_budget_all_are_answered(budget: int) -> None:
    """Many callers of many models, over and over, in room for one or two: each gets its turn."""
    residency = Residency(Loads().load, budget)
    models = [tuned(str(number)) for number in range(5)]

    async def ask_often(first: int) -> None:
        for number in range(20):
            async with residency.ready(models[(first + number * 3) % 5], PATIENCE_SECONDS):
                await asyncio.sleep(0)

    await asyncio.gather(*(ask_often(number) for number in range(12)))
    await until(lambda: residency.held_bytes <= max(budget, 10))


async def test_who_cannot_wait_is_told_and_the_load_goes_on() -> None:
    """A call ends at its deadline; the others get the model that it did not wait for."""
    loads = Loads()
    loads.open.clear()
    residency, asked = Residency(loads.load, 100), tuned("a")
    waiting = asyncio.create_task(ask(residency, asked))
    assert await reason_of(ask(residency, asked, seconds=0.01)) == "MODEL_LOADING"
    loads.open.set()
    await waiting
    assert loads.loaded == ["a"]


async def test_what_nobody_waits_for_any_more_is_not_loaded() -> None:
    """A load whose callers have all gone before its turn came is left out."""
    loads = Loads()
    loads.open.clear()
    residency, first, second = Residency(loads.load, 100), tuned("a"), tuned("b")
    waiting = asyncio.create_task(ask(residency, first))
    await until(lambda: loads.loaded == ["a"])
    assert await reason_of(ask(residency, second, seconds=0.01)) == "MODEL_LOADING"
    loads.open.set()
    await waiting
    await until(lambda: second.network.loaded is None)
    assert loads.loaded == ["a"]


async def test_more_calls_than_may_wait_are_refused_at_once() -> None:
    """Each call that waits for a network holds an image, so that their number is bounded."""
    loads = Loads()
    loads.open.clear()
    residency, asked = Residency(loads.load, 100), tuned("a")
    waiting = [asyncio.create_task(ask(residency, asked)) for _ in range(MAX_WAITING)]
    await until(lambda: asked.network.waiting == MAX_WAITING)
    assert await reason_of(ask(residency, asked)) == "MODEL_LOADING"
    loads.open.set()
    await asyncio.gather(*waiting)


async def test_what_somebody_asks_is_loaded_before_what_nobody_does() -> None:
    """Models that are only made ready wait behind those that a call waits for; past the budget they stay away."""
    loads = Loads()
    loads.open.clear()
    residency = Residency(loads.load, 20)
    first, ready, asked, spare = tuned("first"), tuned("ready"), tuned("asked"), tuned("spare")
    waiting = [asyncio.create_task(ask(residency, first))]
    await until(lambda: loads.loaded == ["first"])
    for unasked in (ready, spare):
        residency.load_if_room(unasked.network)
    waiting.append(asyncio.create_task(ask(residency, asked)))
    await until(lambda: len(residency._turns._urgent) == 1)
    loads.open.set()
    await asyncio.gather(*waiting)
    await until(lambda: spare.network.loaded is None)
    assert loads.loaded == ["first", "asked"]
    assert not ready.network.resident


@pytest.mark.parametrize(
    ("error", "reason", "damaged"),
    [(ArtifactInvalid("It is rotten."), "MODEL_DAMAGED", True), (Unavailable("Away."), "MODEL_NOT_FETCHED", False)],
)
async def test_a_network_that_cannot_come_back_is_told(error: Exception, reason: str, damaged: bool) -> None:
    """Damage is reported to who keeps the models; what could not be fetched is tried again at the next question."""
    loads, told = Loads(), list[str]()
    loads.error = error
    residency, asked = Residency(loads.load, 100, on_damaged=lambda _, why: told.append(why)), tuned("a")
    assert await reason_of(ask(residency, asked)) == reason
    assert told == ["It is rotten."] * damaged
    loads.error = None
    await ask(residency, asked)
