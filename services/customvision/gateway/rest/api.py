"""Puts the routes of both APIs together."""

import asyncio

from starlette.routing import BaseRoute

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
from customvision.gateway.room import Room
from customvision.gateway.services import Services
from customvision.gateway.tag_types import TagTypes


def api_routes(
    services: Services, links: Links, tag_types: TagTypes, room: Room, stopping: asyncio.Event
) -> list[BaseRoute]:
    """Returns the routes of both APIs, whole paths, but for those that classify.

    Endless streams end once ``stopping`` is set.
    """
    nouns = (
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
        detection_prediction_routes(),
    )
    return [route for noun in nouns for route in noun.routes]
