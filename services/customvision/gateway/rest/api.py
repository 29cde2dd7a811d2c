"""Puts the routes of both APIs together."""

from fastapi import APIRouter, Depends

from customvision.gateway.bodies import Room
from customvision.gateway.links import Links
from customvision.gateway.rest.prediction.classification import classification_routes
from customvision.gateway.rest.training.image_changes import image_change_routes
from customvision.gateway.rest.training.image_counts import image_count_routes
from customvision.gateway.rest.training.image_creation import image_creation_routes
from customvision.gateway.rest.training.image_tags import image_tag_routes
from customvision.gateway.rest.training.images import image_routes
from customvision.gateway.rest.training.quick_test import quick_test_routes
from customvision.gateway.rest.training.stored_predictions import stored_prediction_routes
from customvision.gateway.rest.training.suggestions import suggestion_routes
from customvision.gateway.rest.training.tags import tag_routes
from customvision.gateway.rest.versions import PredictionVersion, TrainingVersion
from customvision.gateway.services import Services
from customvision.gateway.tag_types import TagTypes


def api_routes(services: Services, links: Links, room: Room) -> APIRouter:
    """Returns every route of both APIs, below /customvision/{version}."""
    tag_types = TagTypes(services)
    training = APIRouter(prefix="/customvision/{version}/training", dependencies=[Depends(_training_version)])
    for routes in (
        tag_routes(services),
        image_routes(services, links),
        image_count_routes(services),
        image_creation_routes(services, links, room),
        image_change_routes(services),
        image_tag_routes(services),
        quick_test_routes(services, tag_types, room),
        stored_prediction_routes(services, links, tag_types),
        suggestion_routes(services, links, tag_types),
    ):
        training.include_router(routes)
    prediction = APIRouter(prefix="/customvision/{version}/prediction", dependencies=[Depends(_prediction_version)])
    prediction.include_router(classification_routes(services, tag_types, room))
    every = APIRouter()
    # Routes are tried one after the other, and predictions are most of what is asked for.
    every.include_router(prediction)
    every.include_router(training)
    return every


def _training_version(version: TrainingVersion) -> TrainingVersion:
    return version


def _prediction_version(version: PredictionVersion) -> PredictionVersion:
    return version
