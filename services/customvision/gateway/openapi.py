"""The OpenAPI document of the gateway."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from customvision.common.authentication import PREDICTION_KEY_HEADER, TRAINING_KEY_HEADER, Role
from customvision.gateway.authentication import ALIASES, is_open, roles_of
from customvision.gateway.rest.documented import REFERENCE
from customvision.gateway.rest.models.events import TrainingEvent
from customvision.gateway.rest.versions import TrainingVersion

TITLE = "Custom Vision"
DESCRIPTION = (
    "Builds, serves and improves image classifiers. This is the REST API of Azure Custom Vision: its clients work with "
    "another endpoint and key. Paths are taken in any case; lists of ids are parted by commas."
)
HEADERS = {
    "TrainingKey": (TRAINING_KEY_HEADER, "Opens everything."),
    "PredictionKey": (PREDICTION_KEY_HEADER, "Opens predictions."),
    "SubscriptionKey": (next(iter(ALIASES)), "Another name for the training key."),
}
SCHEMES = {
    name: {"type": "apiKey", "in": "header", "name": header, "description": description}
    for name, (header, description) in HEADERS.items()
} | {"Bearer": {"type": "http", "scheme": "bearer", "description": "The training key as a bearer token."}}
FOR_TRAINING = ("TrainingKey", "SubscriptionKey", "Bearer")


def openapi_document(application: FastAPI) -> dict[str, Any]:
    """Returns the document of all routes: parameters, bodies, answers, errors, and which keys open them."""
    version = TrainingVersion.V3_4_PREVIEW.removeprefix("v")
    document = get_openapi(title=TITLE, version=version, description=DESCRIPTION, routes=application.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    # Of a stream of events; no body is one alone.
    schemas["TrainingEvent"] = TrainingEvent.model_json_schema(by_alias=True, ref_template=REFERENCE)
    components["securitySchemes"] = SCHEMES
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _hoist_definitions(operation, schemas)
            # What FastAPI says of its own refusals is not what this gateway answers.
            operation["responses"].pop("422", None)
            operation["security"] = [{scheme: []} for scheme in _schemes(path)]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return document


def _hoist_definitions(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Moves models that bodies which routes read for themselves are made of to where they are referred to."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schemas.update(content["schema"].pop("$defs", {}))


def _schemes(path: str) -> tuple[str, ...]:
    if is_open(path):
        return ()
    return ("PredictionKey", *FOR_TRAINING) if Role.PREDICTION in roles_of(path) else FOR_TRAINING
