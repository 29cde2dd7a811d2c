"""The installed version of the Azure SDK for Python, whichever it is: its clients, and what differs between versions.

Versions before 2.0 take keys, those before 3.0 take the fields of a batch one by one. Nothing of the SDK is changed.
"""

import inspect
import os
import urllib.request
from collections.abc import Callable
from typing import Any

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient, models

ENDPOINT = os.environ["VISION_TRAINING_ENDPOINT"]
Failure = models.CustomVisionErrorException


class Recorded:
    """A client that notes which of its operations were called."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.called.add(name)
        return getattr(self._client, name)

    def has(self, name: str) -> bool:
        """Tells whether this version of the SDK has an operation."""
        return hasattr(self._client, name)

    def never_called(self) -> set[str]:
        """Returns the operations that were not called."""
        operations = {name for name in dir(type(self._client)) if not name.startswith("_")}
        return operations - self.called - {"close"}

    def takes(self, name: str, parameter: str) -> bool:
        """Tells whether an operation has a parameter in this version."""
        return parameter in inspect.signature(getattr(self._client, name)).parameters

    def send_batch(self, name: str, model: Callable[..., Any], project_id: str, **fields: Any) -> Any:
        """Calls an operation that takes a batch."""
        if self.takes(name, "batch"):
            return getattr(self, name)(project_id, model(**fields))
        return getattr(self, name)(project_id, **fields)


def training_client() -> Recorded:
    """Returns a client of the training API."""
    return Recorded(_client(CustomVisionTrainingClient, os.environ["VISION_TRAINING_KEY"], "Training-key"))


def prediction_client() -> Recorded:
    """Returns a client of the prediction API."""
    return Recorded(_client(CustomVisionPredictionClient, os.environ["VISION_PREDICTION_KEY"], "Prediction-key"))


def _client(kind: Any, key: str, header: str) -> Any:
    if "api_key" in inspect.signature(kind).parameters:
        return kind(key, endpoint=ENDPOINT)
    from msrest.authentication import ApiKeyCredentials

    return kind(endpoint=ENDPOINT, credentials=ApiKeyCredentials(in_headers={header: key}))


def code_of(call: Callable[..., Any], *arguments: Any, **fields: Any) -> str:
    """Returns the code of the error that a call ends with."""
    try:
        call(*arguments, **fields)
    except Exception as error:  # noqa: BLE001 - each client has an error class of its own
        return str(error.error.code)  # type: ignore[attr-defined]
    raise AssertionError("the call succeeded")


def download(link: str) -> bytes:
    """Returns what a link leads to without any key."""
    with urllib.request.urlopen(link, timeout=30) as answer:  # noqa: S310 - a link of the suite under test
        content: bytes = answer.read()
        return content
