"""Lists that the services give in pages and the API in one."""

from collections.abc import AsyncIterator, Callable
from typing import Any

PAGE_SIZE = 1000


async def all_pages(call: Callable[[Any], Any], request: Any, rows: str) -> AsyncIterator[Any]:
    """Yields the ``rows`` of every page that ``call`` answers to ``request``."""
    request.page_size = PAGE_SIZE
    while True:
        page = await call(request)
        for row in getattr(page, rows):
            yield row
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
