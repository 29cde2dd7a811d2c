"""Puts the routes of both APIs together."""

import asyncio

from fastapi import APIRouter, Depends

from customvision.gateway.links import Links
from customvision.gateway.rest.detection import detection_prediction_routes, detection_training_routes
from customvision.gateway.rest.training.artifacts import artifact_routes
from customvision.gateway.rest.training.domains import domain_routes
from customvision.gateway.rest.training.events import event_routes
from customvision.gateway.rest.training.exports import export_routes
from customvision.gateway.rest.training.image_changes import image_change_routes
from customvision.gateway.rest.training.image_counts import image_count_routes
from customvision.gateway.rest.training.image_creation import image_creation_routes
from customvision.gateway.rest.training.image_tags import image_tag_routes
from customvision.gateway.rest.training.images import image_routes
from customvision.gateway.rest.training.iterations import iteration_routes
from customvision.gateway.rest.training.performance import performance_routes
from customvision.gateway.rest.training.project_copies import project_copy_routes
from customvision.gateway.rest.training.projects import project_routes
from customvision.gateway.rest.training.publishing import publishing_routes
from customvision.gateway.rest.training.quick_test import quick_test_routes
from customvision.gateway.rest.training.stored_predictions import stored_prediction_routes
from customvision.gateway.rest.training.suggestions import suggestion_routes
from customvision.gateway.rest.training.tags import tag_routes
from customvision.gateway.rest.training.training import training_routes
from customvision.gateway.rest.versions import PREDICTION_PREFIX, TrainingVersion, prediction_version
from customvision.gateway.room import Room
from customvision.gateway.services import Services
from customvision.gateway.tag_types import TagTypes


def api_routes(services: Services, links: Links, tag_types: TagTypes, room: Room, stopping: asyncio.Event) -> APIRouter:
    """Returns the routes of both APIs, below /customvision/{version}, but for those that classify.

    Endless streams end once ``stopping`` is set.
    """
    training = APIRouter(prefix="/customvision/{version}/training", dependencies=[Depends(_training_version)])
    for routes in (
        domain_routes(services),
        project_routes(services, links),
        project_copy_routes(services, links),
        artifact_routes(services),
        tag_routes(services),
        image_routes(services, links),
        image_count_routes(services),
        image_creation_routes(services, links, room),
        image_change_routes(services),
        image_tag_routes(services),
        quick_test_routes(services, tag_types, room),
        stored_prediction_routes(services, links, tag_types),
        suggestion_routes(services, links, tag_types),
        iteration_routes(services),
        training_routes(services),
        event_routes(services, stopping),
        publishing_routes(services),
        performance_routes(services, links, tag_types),
        export_routes(services, links),
        detection_training_routes(),
    ):
        training.include_router(routes)
    prediction = APIRouter(prefix=PREDICTION_PREFIX, dependencies=[Depends(prediction_version)])
    prediction.include_router(detection_prediction_routes())
    every = APIRouter()
    every.include_router(training)
    every.include_router(prediction)
    return every


def _training_version(version: TrainingVersion) -> TrainingVersion:
    return version
