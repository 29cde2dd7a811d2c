"""Puts the routes of both APIs together."""

from fastapi import APIRouter, Depends

from customvision.gateway.rest.training.tags import tag_routes
from customvision.gateway.rest.versions import PredictionVersion, TrainingVersion
from customvision.gateway.services import Services


def api_routes(services: Services) -> APIRouter:
    """Returns every route of both APIs, below /customvision/{version}."""
    training = APIRouter(prefix="/customvision/{version}/training", dependencies=[Depends(_training_version)])
    for routes in (tag_routes,):
        training.include_router(routes(services))
    prediction = APIRouter(prefix="/customvision/{version}/prediction", dependencies=[Depends(_prediction_version)])
    every = APIRouter()
    every.include_router(training)
    every.include_router(prediction)
    return every


def _training_version(version: TrainingVersion) -> TrainingVersion:
    return version


def _prediction_version(version: PredictionVersion) -> PredictionVersion:
    return version
