"""The process that embeds images as they arrive, until none comes for a while."""

from typing import Any

import grpc

from customvision.common.channel import open_blocking_channel
from customvision.common.keys import Keys
from customvision.training.children.child import Reports, run_child
from customvision.training.children.processor_priority import give_way
from customvision.training.computation.job import TrainingImpossible
from customvision.training.early_embedding.job import EarlyJob
from customvision.training.early_embedding.steps import embed, steps
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub

# Behind everything else: uploads, predictions and trainings are waited for.
NICENESS = 19


def embed_arrivals(request: dict[str, Any], reports: Reports) -> None:
    """Embeds step after step and reports of each that it has ``begun``, and that it is ``embedded``.

    Ends where no image comes, at the first image of a domain that the job does not name, and with a ``problem``.
    """
    give_way(NICENESS)
    job = EarlyJob.from_record(request)
    with open_blocking_channel(job.project_address, Keys(job.training_key, prediction_key="")) as channel:
        project = ProjectServiceStub(channel)
        try:
            for step in steps(project, job.after_sequence):
                if any(image.domain_id not in job.backbones for image in step):
                    return
                reports.send("begun", sequence=step[-1].sequence)
                embed(project, job, step)
                reports.send("embedded", sequence=step[-1].sequence)
        except grpc.RpcError as error:
            reports.send("problem", reason=f"The project service failed a call: {error.details()}")
        except TrainingImpossible as error:
            reports.send("problem", reason=str(error))


if __name__ == "__main__":
    run_child(embed_arrivals)
