"""ProjectService: translates calls to use cases and answers to messages; holds no rules."""

from dataclasses import dataclass

from customvision.project.servicer.artifacts import ArtifactMethods
from customvision.project.servicer.domains import DomainMethods
from customvision.project.servicer.images import ImageMethods
from customvision.project.servicer.iterations import IterationMethods
from customvision.project.servicer.project_copies import ProjectCopyMethods
from customvision.project.servicer.projects import ProjectMethods
from customvision.project.servicer.publishing import PublishingMethods
from customvision.project.servicer.stored_predictions import StoredPredictionMethods
from customvision.project.servicer.suggestions import SuggestionMethods
from customvision.project.servicer.tags import TagMethods
from customvision.project.servicer.uploads import UploadMethods
from customvision.project.use_cases.artifacts import Artifacts
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.image_intake import ImageIntake
from customvision.project.use_cases.images import Images
from customvision.project.use_cases.images_from_urls import ImagesFromUrls
from customvision.project.use_cases.iterations import Iterations
from customvision.project.use_cases.prediction_intake import PredictionIntake
from customvision.project.use_cases.project_copies import ProjectCopies
from customvision.project.use_cases.projects import Projects
from customvision.project.use_cases.publishing import Publishing
from customvision.project.use_cases.stored_predictions import StoredPredictions
from customvision.project.use_cases.suggestions import Suggestions
from customvision.project.use_cases.tags import Tags
from customvision.v1 import project_service_pb2_grpc

__all__ = ["ProjectServicer", "UseCases"]


@dataclass(frozen=True)
class UseCases:
    """Everything that the project service can do."""

    projects: Projects
    project_copies: ProjectCopies
    tags: Tags
    images: Images
    intake: ImageIntake
    images_from_urls: ImagesFromUrls
    arrivals: ImageArrivals
    iterations: Iterations
    publishing: Publishing
    artifacts: Artifacts
    prediction_intake: PredictionIntake
    stored_predictions: StoredPredictions
    suggestions: Suggestions


class ProjectServicer(
    ProjectMethods,
    ProjectCopyMethods,
    DomainMethods,
    TagMethods,
    ImageMethods,
    UploadMethods,
    IterationMethods,
    PublishingMethods,
    ArtifactMethods,
    StoredPredictionMethods,
    SuggestionMethods,
    project_service_pb2_grpc.ProjectServiceServicer,
):
    """All calls of ProjectService, one mixin per noun."""

    def __init__(self, use_cases: UseCases) -> None:
        self._projects = use_cases.projects
        self._project_copies = use_cases.project_copies
        self._tags = use_cases.tags
        self._images = use_cases.images
        self._intake = use_cases.intake
        self._images_from_urls = use_cases.images_from_urls
        self._arrivals = use_cases.arrivals
        self._iterations = use_cases.iterations
        self._publishing = use_cases.publishing
        self._artifacts = use_cases.artifacts
        self._prediction_intake = use_cases.prediction_intake
        self._stored_predictions = use_cases.stored_predictions
        self._suggestions = use_cases.suggestions
