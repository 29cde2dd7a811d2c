"""A web server that answers as scripted, on a port of its own, and counts who connects."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class WebServer:
    """What a test sees of its server; ``requests`` are the heads that came, ``answers`` what each path gives."""

    port: int = 0
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    answers: dict[str, bytes | Answer] = field(default_factory=dict)
    _serving: set["asyncio.Task[None]"] = field(default_factory=set)

    def url(self, path: str = "/photo.jpg", *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        """Returns the URL of a path."""
        return f"{scheme}://{host}:{self.port}{path}"

    def give(self, path: str, body: bytes, *, status: str = "200 OK", headers: str = "") -> None:
        """Has a path answer with this body."""
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self.answers[path] = head.encode() + body

    def redirect(self, path: str, location: str, *, status: str = "302 Found") -> None:
        """Has a path lead on."""
        self.give(path, b"", status=status, headers=f"Location: {location}\r\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one connection."""
        self.connections += 1
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._serving.add(task)
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()
            self._serving.discard(task)

    async def end(self) -> None:
        """Ends what is being answered still."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(head)
            answer = self.answers.get(head.split(" ")[1], b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)


@contextlib.asynccontextmanager
async def web_server(*, trust: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> AsyncIterator[WebServer]:
    """Serves on a free port of this machine, with TLS where ``trust`` holds a certificate."""
    web = WebServer()
    server = await asyncio.start_server(web.serve, address, 0, ssl=trust)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
        await web.end()
