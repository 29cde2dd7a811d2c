"""Following what the prediction service answers with, through broken connections, restarts and drains."""

import grpc

from customvision.client.errors import CustomVisionError
from customvision.client.operations.patience import Patience
from customvision.client.steps import Emit, Next, Open, Sleep, Steps
from customvision.v1 import prediction_service_pb2

_Name = tuple[str, str]


def watch_models(project_id: str, patience_seconds: float) -> Steps[None]:
    """Emits every model, then synchronized, then each change, without heartbeats and without end.

    After a break it emits what has changed meanwhile. Raises CustomVisionError where the service stays away for
    ``patience_seconds``.
    """
    known = _KnownModels()
    patience = Patience(patience_seconds)
    while True:
        try:
            yield from _follow(project_id, known, patience)
        except CustomVisionError as error:
            yield Sleep(patience.pause_after(error))


class _KnownModels:
    """What was emitted: of a connection that tells everything anew only the difference is news."""

    def __init__(self) -> None:
        self._models: dict[_Name, prediction_service_pb2.ServedModel] = {}
        self._told: set[_Name] = set()
        self._synchronized = False

    def begin(self) -> None:
        """Takes note of a new connection."""
        self._told = set()

    def news(self, event: prediction_service_pb2.ModelEvent) -> list[prediction_service_pb2.ModelEvent]:
        """Returns what of an event was not emitted before."""
        match event.WhichOneof("event"):
            case "model":
                name = (event.model.project_id, event.model.publish_name)
                self._told.add(name)
                before = self._models.get(name)
                self._models[name] = event.model
                return [] if before is not None and _state(before) == _state(event.model) else [event]
            case "removed":
                known = self._models.pop((event.removed.project_id, event.removed.publish_name), None)
                return [event] if known is not None else []
            case "synchronized":
                return self._gone() + ([] if self._synchronized else self._first(event))
        # A heartbeat, or what a newer service tells.
        return []

    def _gone(self) -> list[prediction_service_pb2.ModelEvent]:
        """Returns the removal of each model that went while nothing was heard."""
        gone = [name for name in self._models if name not in self._told]
        for name in gone:
            del self._models[name]
        return [
            prediction_service_pb2.ModelEvent(
                removed=prediction_service_pb2.RemovedModel(project_id=project_id, publish_name=publish_name)
            )
            for project_id, publish_name in gone
        ]

    def _first(self, event: prediction_service_pb2.ModelEvent) -> list[prediction_service_pb2.ModelEvent]:
        self._synchronized = True
        return [event]


def _state(model: prediction_service_pb2.ServedModel) -> tuple[str, int, str, str]:
    return model.iteration_id, model.state, model.serving_iteration_id, model.failure_reason


def _follow(project_id: str, known: _KnownModels, patience: Patience) -> Steps[None]:
    request = prediction_service_pb2.WatchModelsRequest(project_id=project_id)
    stream = yield Open("prediction", "WatchModels", request)
    known.begin()
    try:
        while (event := (yield Next(stream))) is not None:
            patience.renew()
            for news in known.news(event):
                yield Emit(news)
    finally:
        stream.cancel()
    message = "The prediction service closed the watch; try again."
    raise CustomVisionError("WATCH_INTERRUPTED", message, grpc.StatusCode.UNAVAILABLE)
