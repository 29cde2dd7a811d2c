"""Kept exports go with their iteration, of whose end nobody tells this service."""

from customvision.common.errors import NotFound
from customvision.training.iterations import Iterations
from customvision.training.store.exports import ExportStore
from customvision.v1 import iterations_pb2


async def existing_iteration(
    iterations: Iterations, exports: ExportStore, project_id: str, iteration_id: str
) -> iterations_pb2.Iteration:
    """Returns an iteration as the project service tells it. Where it is gone, its exports go, too.

    Raises NotFound.
    """
    try:
        return await iterations.get(project_id, iteration_id)
    except NotFound:
        await exports.remove_of(project_id, iteration_id)
        raise
