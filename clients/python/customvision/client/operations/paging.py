"""Lists, page by page."""

from typing import Any

from customvision.client.steps import Call, Emit, Steps

PAGE_SIZE = 1000


def list_all(service: str, method: str, request: Any, field: str) -> Steps[None]:
    """Emits every item of a paged list; pages are asked for as they are needed.

    ``request`` is a List… message without a page token, ``field`` the answer's field that holds the items.
    """
    page = type(request)()
    page.CopyFrom(request)
    page.page_size = page.page_size or PAGE_SIZE
    while True:
        answer = yield Call(service, method, page)
        for item in getattr(answer, field):
            yield Emit(item)
        if not answer.next_page_token:
            return
        page.page_token = answer.next_page_token
