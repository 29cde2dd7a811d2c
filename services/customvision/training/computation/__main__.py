"""The process of one attempt at a run."""

from collections.abc import Callable
from typing import Any

from customvision.common.channel import open_blocking_channel
from customvision.common.keys import Keys
from customvision.training.children.child import Reports, run_child
from customvision.training.children.processor_priority import give_way
from customvision.training.computation.full_disk import DISK_FULL, is_full_disk
from customvision.training.computation.job import Job, TrainingImpossible
from customvision.training.runs.run_request import TrainingType
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub

# Predictions are waited for; a training can give way.
NICENESS = 5


def compute(request: dict[str, Any], reports: Reports) -> None:
    """Does the job that ``request`` describes, and reports ``result``, or ``impossible`` with the reason."""
    give_way(NICENESS)
    job = Job.from_record(request)
    with open_blocking_channel(job.project_address, Keys(job.training_key, prediction_key="")) as channel:
        try:
            _training_of(job)(ProjectServiceStub(channel), job, reports)
        except TrainingImpossible as error:
            reports.send("impossible", reason=str(error))
        except Exception as error:
            if not is_full_disk(error):
                raise
            reports.send("impossible", reason=DISK_FULL)


def _training_of(job: Job) -> Callable[[ProjectServiceStub, Job, Reports], None]:
    if TrainingType(job.training_type) is TrainingType.QUICK:
        from customvision.training.computation import quick_training

        return quick_training.train
    from customvision.training.computation import advanced_training

    return advanced_training.train


if __name__ == "__main__":
    run_child(compute)
