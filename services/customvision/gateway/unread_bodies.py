"""Reads what a refused request still sends, so that its sender gets to read why."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A sender with more to come than this, or that takes longer to send it, is cut off.
MAX_UNREAD_BYTES = 64 * 1024 * 1024
MAX_UNREAD_SECONDS = 20.0


class ReadToTheEnd:
    """ASGI middleware: an answer waits for the end of the request's body, of which nothing is kept.

    A connection that is closed while its other side sends may lose the answer on the way.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; requests without a body pass untouched."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._application(scope, receive, send)
            return
        unread, left = True, MAX_UNREAD_BYTES

        async def note_end() -> Message:
            nonlocal unread
            message = await receive()
            unread = bool(message.get("more_body"))
            return message

        async def answer(message: Message) -> None:
            nonlocal left
            try:
                async with asyncio.timeout(MAX_UNREAD_SECONDS):
                    while unread and left > 0:
                        left -= len((await note_end()).get("body", b""))
            except TimeoutError:
                left = 0
            # One that was cut off waits for no more: a client that has read the head may have ceased to send.
            await send(message)

        await self._application(scope, note_end, answer)


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
