"""Perform the steps of an operation: in the caller's thread, or on the event loop."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from typing import Any, cast

from customvision.client.errors import CustomVisionError
from customvision.client.steps import Call, Conversation, Emit, Next, Open, Result, Sleep, Step, Steps, Work


class BlockingPerformer:
    """Performs steps in the caller's thread, on blocking stubs by short service name."""

    def __init__(self, stubs: Mapping[str, Any]) -> None:
        self._stubs = stubs

    def run(self, steps: Steps[Result]) -> Result:
        """Performs all steps and returns the result."""
        conversation = Conversation(steps)
        for _ in self._talk(conversation):
            pass
        return cast("Result", conversation.result)

    def iterate(self, steps: Steps[None]) -> Iterator[Any]:
        """Performs steps as the caller iterates; yields what they emit."""
        return self._talk(Conversation(steps))

    def _talk(self, conversation: Conversation[Any]) -> Iterator[Any]:
        with contextlib.closing(conversation):
            conversation.start()
            while (step := conversation.step) is not None:
                if isinstance(step, Emit):
                    yield step.value
                    conversation.answer(None)
                    continue
                try:
                    answer = self._perform(step)
                except CustomVisionError as error:
                    conversation.fail(error)
                else:
                    conversation.answer(answer)

    def _perform(self, step: Step) -> Any:
        match step:
            case Call(service, method, request, seconds):
                call = getattr(self._stubs[service], method)
                return call(iter(request) if isinstance(request, list) else request, timeout=seconds)
            case Open(service, method, request):
                return getattr(self._stubs[service], method)(request)
            case Next(stream):
                return next(cast("Iterator[Any]", stream), None)
            case Work(function):
                return function()
            case Sleep(seconds):
                return time.sleep(seconds)
        raise TypeError(f"{step!r} is not a step")


class AsyncPerformer:
    """Performs steps on the event loop, on asynchronous stubs by short service name."""

    def __init__(self, stubs: Mapping[str, Any]) -> None:
        self._stubs = stubs

    async def run(self, steps: Steps[Result]) -> Result:
        """Performs all steps and returns the result."""
        conversation = Conversation(steps)
        async for _ in self._talk(conversation):
            pass
        return cast("Result", conversation.result)

    def iterate(self, steps: Steps[None]) -> AsyncGenerator[Any, None]:
        """Performs steps as the caller iterates; yields what they emit."""
        return self._talk(Conversation(steps))

    async def _talk(self, conversation: Conversation[Any]) -> AsyncGenerator[Any, None]:
        with contextlib.closing(conversation):
            conversation.start()
            while (step := conversation.step) is not None:
                if isinstance(step, Emit):
                    yield step.value
                    conversation.answer(None)
                    continue
                try:
                    answer = await self._perform(step)
                except CustomVisionError as error:
                    conversation.fail(error)
                else:
                    conversation.answer(answer)

    async def _perform(self, step: Step) -> Any:
        match step:
            case Call(service, method, request, seconds):
                call = getattr(self._stubs[service], method)
                return await call(_sent(request), timeout=seconds)
            case Open(service, method, request):
                return getattr(self._stubs[service], method)(_sent(request))
            case Next(stream):
                # One iterator per call: grpc.aio refuses to mix ways of reading.
                return await anext(aiter(cast("AsyncIterator[Any]", stream)), None)
            case Work(function):
                return await asyncio.to_thread(function)
            case Sleep(seconds):
                return await asyncio.sleep(seconds)
        raise TypeError(f"{step!r} is not a step")


def _sent(request: Any) -> Any:
    if isinstance(request, Generator):
        return _awaited(request)
    return iter(request) if isinstance(request, list) else request


async def _awaited(messages: Generator[Any, None, None]) -> AsyncGenerator[Any, None]:
    end = object()
    while (message := await asyncio.to_thread(next, messages, end)) is not end:
        yield message
