"""Puts the routes of both APIs together."""

from fastapi import APIRouter, Depends

from customvision.gateway.links import Links
from customvision.gateway.rest.detection import detection_prediction_routes, detection_training_routes
from customvision.gateway.rest.training.artifacts import artifact_routes
from customvision.gateway.rest.training.domains import domain_routes
from customvision.gateway.rest.training.events import event_routes
from customvision.gateway.rest.training.exports import export_routes
from customvision.gateway.rest.training.iterations import iteration_routes
from customvision.gateway.rest.training.performance import performance_routes
from customvision.gateway.rest.training.project_copies import project_copy_routes
from customvision.gateway.rest.training.projects import project_routes
from customvision.gateway.rest.training.publishing import publishing_routes
from customvision.gateway.rest.training.tags import tag_routes
from customvision.gateway.rest.training.training import training_routes
from customvision.gateway.rest.versions import PredictionVersion, TrainingVersion
from customvision.gateway.services import Services


def api_routes(services: Services, links: Links) -> APIRouter:
    """Returns every route of both APIs, below /customvision/{version}."""
    training = APIRouter(prefix="/customvision/{version}/training", dependencies=[Depends(_training_version)])
    for routes in (
        domain_routes(services),
        project_routes(services, links),
        project_copy_routes(services, links),
        artifact_routes(services),
        tag_routes(services),
        iteration_routes(services),
        training_routes(services),
        event_routes(services),
        publishing_routes(services),
        performance_routes(services, links),
        export_routes(services, links),
        detection_training_routes(),
    ):
        training.include_router(routes)
    prediction = APIRouter(prefix="/customvision/{version}/prediction", dependencies=[Depends(_prediction_version)])
    for routes in (detection_prediction_routes(),):
        prediction.include_router(routes)
    every = APIRouter()
    every.include_router(training)
    every.include_router(prediction)
    return every


def _training_version(version: TrainingVersion) -> TrainingVersion:
    return version


def _prediction_version(version: PredictionVersion) -> PredictionVersion:
    return version
