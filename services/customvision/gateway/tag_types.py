"""The types of tags, which answers of models do not carry."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping

import grpc

from customvision.gateway.rest.models.tags import TAG_TYPES
from customvision.gateway.rest.pages import all_pages
from customvision.gateway.services import Services
from customvision.v1 import tags_pb2

# Types hardly ever change, and predictions come by the hundred a second.
KEPT_SECONDS = 30.0
PATIENCE_SECONDS = 2.0
MAX_PROJECTS = 1000


class TagTypes:
    """Remembers the types of the tags of the projects that were asked for last."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: OrderedDict[str, tuple[float, Mapping[str, str]]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Mapping[str, str]]] = {}

    async def of(self, project_id: str) -> Mapping[str, str]:
        """Returns the API's words for the types, by tag id; those known last while the project service is away."""
        asked, types = self._known.get(project_id, (0.0, {}))
        if asked and time.monotonic() - asked < KEPT_SECONDS:
            return types
        # One question for all who wait, which goes on where one of them leaves.
        asking = self._asking.get(project_id)
        if asking is None:
            asking = self._asking[project_id] = asyncio.create_task(self._ask(project_id, types))
            asking.add_done_callback(lambda _: self._asking.pop(project_id, None))
        return await asyncio.shield(asking)

    async def _ask(self, project_id: str, before: Mapping[str, str]) -> Mapping[str, str]:
        request = tags_pb2.ListTagsRequest(project_id=project_id)
        types = before
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                tags = [tag async for tag in all_pages(self._services.project.ListTags, request, "tags")]
            types = {tag.tag_id: TAG_TYPES.word(tag.type) for tag in tags}
        except (grpc.aio.AioRpcError, TimeoutError):
            # An answer without types is worth more than none.
            pass
        self._known[project_id] = time.monotonic(), types
        self._known.move_to_end(project_id)
        while len(self._known) > MAX_PROJECTS:
            self._known.popitem(last=False)
        return types
