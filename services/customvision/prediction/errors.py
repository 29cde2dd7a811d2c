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


class ModelsWatchBehind(Unavailable):
    """A watcher of models read so slowly that not all that happened meanwhile is known any more."""

    reason = "MODELS_WATCH_BEHIND"

    def __init__(self) -> None:
        super().__init__("More models went than are remembered since this watch was last read; open it again.")


class PredictionQueueFull(ResourceExhausted):
    """More calls wait than can be answered soon."""

    reason = "PREDICTION_QUEUE_FULL"


class FieldsExclusive(InvalidArgument):
    """The request fills two fields of which only one may be."""

    reason = "FIELDS_EXCLUSIVE"

    def __init__(self, one: str, other: str) -> None:
        super().__init__(
            f"Both {one} and {other} are given; send one of them.",
            metadata={"fields": f"{one},{other}"},
            field=other,
        )


class TextTooLong(InvalidArgument):
    """A free text is longer than its field allows."""

    reason = "TEXT_TOO_LONG"


class NothingGiven(InvalidArgument):
    """A list that must have entries has none."""

    reason = "NOTHING_GIVEN"


class TooManyItems(InvalidArgument):
    """A list has more entries than one call may carry."""

    reason = "TOO_MANY_ITEMS"


class IterationIdMissing(InvalidArgument):
    """The request names no iteration and needs one."""

    reason = "ITERATION_ID_MISSING"


class IterationNotCompleted(FailedPrecondition):
    """The iteration has no model."""

    reason = "ITERATION_NOT_COMPLETED"

    def __init__(self, iteration_id: str) -> None:
        super().__init__(
            f"Iteration {iteration_id} has no model: its training goes on, failed or was cancelled. "
            "Ask a completed one.",
            metadata={"iteration_id": iteration_id},
        )
