"""What the contract says of served models."""

from customvision.prediction.model_watch import AllTold, Heartbeat, ModelNews, Removed
from customvision.prediction.served_model import ModelState, ServedModel
from customvision.v1 import prediction_service_pb2 as messages

_STATES = {
    ModelState.LOADING: messages.MODEL_STATE_LOADING,
    ModelState.AVAILABLE: messages.MODEL_STATE_AVAILABLE,
    ModelState.FAILED: messages.MODEL_STATE_FAILED,
}


def served_model_message(served: ServedModel) -> messages.ServedModel:
    """Returns how a published model is doing."""
    message = messages.ServedModel(
        project_id=served.published.name.project_id,
        publish_name=served.published.name.publish_name,
        iteration_id=served.published.iteration_id,
        state=_STATES[served.state],
        failure_reason=served.failure_reason,
    )
    model = served.model
    if model is not None:
        message.serving_iteration_id = model.published.iteration_id
        message.load_time.FromDatetime(model.load_time)
        message.memory_bytes = model.memory_bytes
        message.resident = model.network.resident
        if model.last_use_time is not None:
            message.last_use_time.FromDatetime(model.last_use_time)
    return message


def model_event_message(news: ModelNews) -> messages.ModelEvent:
    """Returns one message of a watch."""
    match news:
        case ServedModel():
            return messages.ModelEvent(model=served_model_message(news))
        case Removed(name):
            removed = messages.RemovedModel(project_id=name.project_id, publish_name=name.publish_name)
            return messages.ModelEvent(removed=removed)
        case AllTold():
            return messages.ModelEvent(synchronized=messages.ModelsSynchronized())
        case Heartbeat():
            return messages.ModelEvent(heartbeat=messages.ModelsHeartbeat())
