"""How routes of the API are made."""

from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute


class _LeanRoute(APIRoute):
    """Leaves out of answers what a route did not set: the API tells null and absent apart."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "response_model_exclude_unset": True})


def routes_about(noun: str) -> APIRouter:
    """Returns a router for the routes of one noun."""
    return APIRouter(tags=[noun], route_class=_LeanRoute)
