"""A load generator: a process of its own that sends prepared bytes and looks at no answer, told what to do by lines.

Each line on standard input is JSON of one key: ``target`` describes a server, ``round`` and ``burst`` are answered by
a line on standard output. An empty line ends a round that has no end of its own.
"""

import asyncio
import base64
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc
import psutil

LINE_LIMIT = 2**30
CALL_SECONDS = 60.0
# No connection is shared: callers are many clients, not many calls of one.
OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
]


class Target:
    """A server, its process, and the requests to send to it."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.process = psutil.Process(order["pid"])
        self._address = order["address"]
        self._method = order["method"]
        self.metadata = tuple((name, value) for name, value in order["metadata"])
        heads, bodies = (list(map(base64.b64decode, order[part])) for part in ("heads", "bodies"))
        pairs = zip(itertools.cycle(heads), itertools.cycle(bodies), strict=False)
        self.requests: Iterator[bytes] = (head + body for head, body in pairs)
        self._calls: list[grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = []

    def calls(self, count: int) -> "list[grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]]":
        """Returns the method over ``count`` connections."""
        while len(self._calls) < count:
            channel = grpc.aio.insecure_channel(self._address, options=OPTIONS)
            self._calls.append(channel.unary_unary(self._method))
        return self._calls[:count]

    def processor_seconds(self) -> float:
        """Returns what the server's processes have computed so far."""
        times = [process.cpu_times() for process in (self.process, *self.process.children(recursive=True))]
        return sum(time.user + time.system for time in times)


class Round:
    """Callers that ask one after another, and what they saw between ``start`` and ``end``."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._latencies: list[float] = []
        self._failures: Counter[str] = Counter()
        self._over = False

    async def run(self, callers: int, warm_up: float, seconds: float | None, ended: asyncio.Event) -> dict[str, Any]:
        """Returns what was seen in ``seconds``, or until ``ended`` is set, once ``warm_up`` seconds are over."""
        tasks = [asyncio.create_task(self._ask(call)) for call in self._target.calls(callers)]
        await asyncio.sleep(warm_up)
        self._latencies, self._failures = [], Counter()
        before = time.perf_counter(), time.process_time(), self._target.processor_seconds()
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            pass
        latencies, failures = self._latencies, self._failures
        after = time.perf_counter(), time.process_time(), self._target.processor_seconds()
        # What ends from now on belongs to no round.
        self._latencies, self._failures, self._over = [], Counter(), True
        await asyncio.gather(*tasks)
        passed, own, server = (later - earlier for earlier, later in zip(before, after, strict=True))
        return {
            "seconds": passed,
            "generator_seconds": own,
            "server_seconds": server,
            "latencies": latencies,
            "failures": dict(failures),
        }

    async def _ask(self, call: "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]") -> None:
        clock, metadata, requests = time.perf_counter, self._target.metadata, self._target.requests
        while not self._over:
            began = clock()
            try:
                await call(next(requests), metadata=metadata, timeout=CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                self._failures[error.code().name] += 1
            else:
                self._latencies.append(clock() - began)


async def burst(target: Target, count: int, callers: int) -> dict[str, Any]:
    """Sends ``count`` requests at once over as many connections as there are ``callers``; tells how each ended."""
    began = time.perf_counter()

    async def ask(call: "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]", request: bytes) -> tuple[str, float]:
        try:
            await call(request, metadata=target.metadata, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            return error.code().name, time.perf_counter() - began
        return "OK", time.perf_counter() - began

    calls = itertools.cycle(target.calls(callers))
    ends = await asyncio.gather(*(ask(next(calls), next(target.requests)) for _ in range(count)))
    return {"ends": ends}


async def main() -> None:
    """Does what the lines say until they end."""
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    targets: dict[str, Target] = {}
    while line := await reader.readline():
        order = json.loads(line)
        if "target" in order:
            targets[order["target"]["name"]] = Target(order["target"])
        elif "burst" in order:
            _answer(await burst(targets[order["burst"].pop("name")], **order["burst"]))
        else:
            ended = asyncio.Event()
            wanted = order["round"]
            listening = asyncio.create_task(_until_line(reader, ended)) if wanted["seconds"] is None else None
            _answer(await Round(targets[wanted.pop("name")]).run(**wanted, ended=ended))
            if listening is not None:
                await listening


async def _until_line(reader: asyncio.StreamReader, ended: asyncio.Event) -> None:
    await reader.readline()
    ended.set()


def _answer(content: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
