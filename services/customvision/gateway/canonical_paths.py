"""One spelling for every path: published samples double slashes and capitalise as they like."""

import re
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

API_PREFIX = "/customvision/"
QUERY_NAMES = {
    name.lower(): name
    for name in (
        *("$filter", "allImages", "allIterations", "application", "classificationType", "description", "domainId"),
        *("expires", "exportModelContainerUri", "flavor", "forceTrain", "imageIds", "ids", "iterationId", "name"),
        *("notificationEmailAddress", "notificationQueueUri", "orderBy", "overlapThreshold", "overwrite", "path"),
        *("platform", "predictionId", "publishName", "regionIds", "reservedBudgetInHours", "signature", "skip"),
        *("store", "tagIds", "taggingStatus", "take", "targetExportPlatforms", "threshold", "token"),
        *("trainingType", "type"),
    )
}
# Behind this word of a prediction's path stands a published name, which is kept as it is.
BEFORE_PUBLISHED_NAME = ("prediction", "iterations")


class CanonicalPaths:
    """ASGI middleware: the API's paths in lower case, single slashes, none at the end; published names as they came.

    A slash within a segment stays percent-encoded, as does a percent sign. Names in queries are spelled as the API has
    them.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on under its canonical path."""
        if scope["type"] == "http":
            path = canonical(scope["raw_path"].decode("latin-1") if scope.get("raw_path") else quote(scope["path"]))
            scope = {**scope, "path": path, "raw_path": quote(path, safe="/%").encode()}
            if path.startswith(API_PREFIX):
                scope["query_string"] = canonical_query(scope["query_string"].decode("latin-1")).encode("latin-1")
        await self._application(scope, receive, send)


def canonical(raw_path: str) -> str:
    """Returns the decoded canonical path of ``raw_path``, percent-encoded and without a query."""
    single = re.sub("/{2,}", "/", raw_path.partition("?")[0])
    if not unquote(single).lower().startswith(API_PREFIX):
        return unquote(single)
    segments = [segment for segment in single.split("/") if segment]
    lowered = [_kept_whole(unquote(segment).lower()) for segment in segments]
    if BEFORE_PUBLISHED_NAME[0] in lowered[:3] and BEFORE_PUBLISHED_NAME[1] in lowered[:-1]:
        name = lowered.index(BEFORE_PUBLISHED_NAME[1]) + 1
        lowered[name] = _kept_whole(unquote(segments[name]))
    return "/" + "/".join(lowered)


def decoded_name(segment: str) -> str:
    """Returns the name that a segment of a canonical path stands for."""
    return unquote(segment)


def _kept_whole(segment: str) -> str:
    return segment.replace("%", "%25").replace("/", "%2F")


def canonical_query(query: str) -> str:
    """Returns a query with the names that the API knows spelled as it does; it takes them in any case."""
    return "&".join(map(_canonical_parameter, query.split("&")))


def _canonical_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    return f"{QUERY_NAMES.get(unquote(name).lower(), name)}{equals}{value}"
