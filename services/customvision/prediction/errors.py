"""What can be wrong with a prediction, one class per cause."""

from customvision.common.errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted, Unavailable


class ProjectIdMissing(InvalidArgument):
    """The request names no project."""

    reason = "PROJECT_ID_MISSING"


class PublishNameMissing(InvalidArgument):
    """The request names no model and the project has several."""

    reason = "PUBLISH_NAME_MISSING"


class ModelNotPublished(NotFound):
    """Nothing is published under the name."""

    reason = "MODEL_NOT_PUBLISHED"


class PublishedModelsUnknown(Unavailable):
    """The project service has not yet said what is published."""

    reason = "PUBLISHED_MODELS_UNKNOWN"


class ModelLoading(Unavailable):
    """The model's first load takes longer than the call can wait."""

    reason = "MODEL_LOADING"


class ModelNotFetched(Unavailable):
    """The model's files could not be fetched yet, and no older model answers; fetching is tried again."""

    reason = "MODEL_NOT_FETCHED"


class ModelDamaged(FailedPrecondition):
    """The model's files cannot be used, and no older model answers."""

    reason = "MODEL_DAMAGED"


class PredictionQueueFull(ResourceExhausted):
    """More calls wait than can be answered soon."""

    reason = "PREDICTION_QUEUE_FULL"
