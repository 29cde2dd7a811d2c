"""How routes of the API are made."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from customvision.gateway.api_errors import DOCUMENTED
from customvision.gateway.rest.versions import PREDICTION_PREFIX, TRAINING_PREFIX, prediction_version, training_version


class _LeanRoute(APIRoute):
    """Leaves out of answers what a route did not set: the API tells null and absent apart."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "response_model_exclude_unset": True})


def routes_about(noun: str) -> APIRouter:
    """Returns a router for the routes of one noun of the training API, which it makes with their whole paths."""
    return _router(noun, TRAINING_PREFIX, training_version)


def prediction_routes_about(noun: str) -> APIRouter:
    """Returns a router for the routes of one noun of the prediction API, which it makes with their whole paths."""
    return _router(noun, PREDICTION_PREFIX, prediction_version)


def _router(noun: str, prefix: str, version: Callable[..., object]) -> APIRouter:
    # Whole from the beginning: a router that is included in another has FastAPI make all of its routes again.
    return APIRouter(
        prefix=prefix, tags=[noun], route_class=_LeanRoute, dependencies=[Depends(version)], responses=DOCUMENTED
    )
