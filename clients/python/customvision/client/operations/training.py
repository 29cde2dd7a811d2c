"""Starting a training run."""

import uuid
from collections.abc import Sequence

from google.protobuf.duration_pb2 import Duration

from customvision.client.steps import Call, Steps
from customvision.v1 import iterations_pb2, training_service_pb2


def start_training(
    project_id: str,
    *,
    advanced: bool,
    budget_seconds: float | None,
    selected_tag_ids: Sequence[str],
    base_iteration_id: str,
    base_project_id: str,
    force: bool,
) -> Steps[training_service_pb2.TrainingRun]:
    """Freezes the data set, queues a run and returns it; a call that is repeated starts one run only."""
    request = training_service_pb2.StartTrainingRequest(
        project_id=project_id,
        training_type=iterations_pb2.TRAINING_TYPE_ADVANCED if advanced else iterations_pb2.TRAINING_TYPE_QUICK,
        force=force,
        request_id=str(uuid.uuid4()),
        training_budget=_duration(budget_seconds) if budget_seconds is not None else None,
        selected_tag_ids=selected_tag_ids,
        base_iteration_id=base_iteration_id,
        base_project_id=base_project_id,
    )
    run: training_service_pb2.TrainingRun = yield Call("training", "StartTraining", request)
    return run


def _duration(seconds: float) -> Duration:
    message = Duration()
    message.FromNanoseconds(round(seconds * 1_000_000_000))
    return message
