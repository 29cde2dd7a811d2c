"""Quick training: features from the cache or the backbone, a head, its figures, the artifacts."""

from customvision.training.children.child import Reports
from customvision.training.computation.finishing import Network, finish
from customvision.training.computation.job import Job
from customvision.training.computation.material import gather_material
from customvision.training.computation.quick_model import fit_quick_model
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub


def train(project: ProjectServiceStub, job: Job, reports: Reports) -> None:
    """Trains the job's iteration, hands its artifacts over and reports ``result``. Raises TrainingImpossible."""
    material = gather_material(project, job, reports)
    model = fit_quick_model(material, reports)
    finish(
        project,
        material,
        Network.of_backbone(job.backbone),
        model.served.head,
        model.evaluation(material),
        reports,
        settings={"regularisation_strength": model.served.strength},
    )
