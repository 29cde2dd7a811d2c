"""Why an export can fail, one class per cause."""

from customvision.common.errors import FailedPrecondition, Internal
from customvision.v1 import iterations_pb2


class ExportDiffers(Internal):
    """What was built answers otherwise than the model that is served."""

    reason = "EXPORT_DIFFERS"


class ExportFailed(Internal):
    """The export could not be built."""

    reason = "EXPORT_FAILED"


class ModelDamaged(FailedPrecondition):
    """What the iteration's model is made of cannot be read."""

    reason = "MODEL_DAMAGED"


def model_damaged(iteration: iterations_pb2.Iteration, cause: str) -> ModelDamaged:
    """Returns the error for an iteration whose model cannot be read because of ``cause``."""
    return ModelDamaged(
        f"The model of '{iteration.name}' is damaged ({cause.rstrip('.')}). Restore the project service's data from a "
        "backup, or train again and export that iteration.",
        metadata={"iteration_id": iteration.iteration_id},
    )
