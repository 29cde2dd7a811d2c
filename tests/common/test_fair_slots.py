"""Slots are shared by projects, which take turns."""

import asyncio

from customvision.common.url_fetching.slots import FairSlots


class Holders:
    """Tasks that each hold a slot until told to let go; ``order`` tells whose came when."""

    def __init__(self, slots: FairSlots) -> None:
        self.order: list[str] = []
        self._slots = slots
        self._release: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def add(self, *names: str) -> None:
        """Has each ask for a slot of the project that its first letter names."""
        for name in names:
            self._release[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._hold(name))
        await _settled()

    async def end(self, *names: str) -> None:
        """Has each let its slot go."""
        for name in names:
            self._release[name].set()
        await _settled()

    async def cancel(self, *names: str) -> None:
        """Ends each, whether it waits or holds a slot."""
        for name in names:
            self._tasks[name].cancel()
        await asyncio.gather(*(self._tasks[name] for name in names), return_exceptions=True)
        await _settled()

    async def _hold(self, name: str) -> None:
        async with self._slots.slot(name[0]):
            self.order.append(name)
            await self._release[name].wait()


async def _settled() -> None:
    """Lets every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_project_has_only_its_part() -> None:
    """What it asks beyond waits although slots are free; another project gets them."""
    holders = Holders(FairSlots(4, 2))
    await holders.add("a1", "a2", "a3", "b1", "b2")
    assert holders.order == ["a1", "a2", "b1", "b2"]
    await holders.end("b1")
    assert holders.order == ["a1", "a2", "b1", "b2"]
    await holders.end("a2")
    assert holders.order[4:] == ["a3"]
    await holders.end("a1", "a3", "b2")


async def test_projects_take_turns() -> None:
    """One that asked for much first is followed by one that asked for little later; within each, the oldest is next."""
    holders = Holders(FairSlots(1, 1))
    await holders.add("a1", "a2", "a3", "b1", "c1", "b2")
    for name in ("a1", "b1", "c1", "a2", "b2", "a3"):
        assert holders.order[-1] == name
        await holders.end(name)


async def test_who_is_gone_leaves_no_trace() -> None:
    """Whether it waited, held its slot, or was about to get it: the slot goes to the next."""
    holders = Holders(FairSlots(1, 1))
    await holders.add("a1", "b1", "c1", "d1")
    await holders.cancel("b1")
    await holders.cancel("a1", "c1")
    assert holders.order[-1] == "d1"
    await holders.cancel("d1")
    await holders.add("e1")
    assert holders.order[-1] == "e1"
    await holders.end("e1")
