"""Predictions of a running service that a test holds up."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from customvision.prediction.model import Model, TagProbability
from prediction.running_suite import PATIENCE_SECONDS


class HeldPredictions:
    """Holds up every prediction of this process until ``release``; ``begun`` counts those that a thread has begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self._released = threading.Event()
        self._lock = threading.Lock()
        predict = Model.predict

        def held(
            model: Model, image_data: bytes, is_alone: Callable[[], bool], *, large_too: bool = False
        ) -> list[TagProbability]:
            with self._lock:
                self.begun += 1
            self._released.wait(PATIENCE_SECONDS)
            return predict(model, image_data, is_alone, large_too=large_too)

        monkeypatch.setattr(Model, "predict", held)

    def release(self) -> None:
        """Lets all go on, also those to come."""
        self._released.set()

    async def until_begun(self, count: int) -> None:
        """Waits until threads have begun so many."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.begun < count:
                await asyncio.sleep(0.01)
