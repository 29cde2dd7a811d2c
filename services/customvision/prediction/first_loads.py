"""Which models have not been tried to load yet. Belongs to one event loop."""

import asyncio

from customvision.prediction.publication import ModelName


class FirstLoads:
    """The names of models whose first load is under way."""

    def __init__(self) -> None:
        self._names: set[ModelName] = set()
        self._none = asyncio.Event()
        self._none.set()

    def begin(self, name: ModelName) -> None:
        """Notes that the first load of a model begins."""
        self._names.add(name)
        self._none.clear()

    def end(self, name: ModelName) -> None:
        """Notes that a model was tried to load, or is none any more; repeating it changes nothing."""
        self._names.discard(name)
        if not self._names:
            self._none.set()

    async def wait(self) -> None:
        """Returns once no first load is under way."""
        await self._none.wait()
