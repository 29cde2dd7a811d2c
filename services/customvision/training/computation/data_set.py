"""The frozen data set of an iteration, read from the project service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from customvision.common.channel import CALL_SECONDS
from customvision.training.computation.calibration import Truth
from customvision.training.computation.held_out import Placement, groups_alike, held_out
from customvision.training.computation.job import Job, TrainingImpossible
from customvision.v1 import iterations_pb2, projects_pb2, tags_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import Label

MIN_IMAGES_PER_TAG = 2


@dataclass(frozen=True)
class DataSetImage:
    """One image: its ids, and the positions of its tags among the labels, ascending."""

    image_id: str
    content_sha256: str
    tags: tuple[int, ...]
    held_out: bool = False


@dataclass(frozen=True)
class DataSet:
    """Labels in order of creation, and images in order of creation, of which a fifth is held out once it is parted."""

    labels: tuple[Label, ...]
    images: tuple[DataSetImage, ...]
    multilabel: bool

    def truth(self) -> Truth:
        """Returns uint8[images, labels]: 1 where the image carries the tag."""
        truth = np.zeros((len(self.images), len(self.labels)), dtype=np.uint8)
        for row, image in enumerate(self.images):
            truth[row, list(image.tags)] = 1
        return truth

    def parted(self, difference_hashes: Mapping[str, int]) -> "DataSet":
        """Returns the data set with a fifth held out, images that look alike on one side.

        ``difference_hashes`` are those of the images' content, by its digest.
        """
        places = held_out(self._placements(difference_hashes))
        return replace(
            self, images=tuple(replace(image, held_out=place) for image, place in zip(self.images, places, strict=True))
        )

    def groups(self, difference_hashes: Mapping[str, int]) -> list[int]:
        """Returns a number for each image, the same for images that look alike."""
        return groups_alike(self._placements(difference_hashes))

    def _placements(self, difference_hashes: Mapping[str, int]) -> list[Placement]:
        return [
            Placement(image.content_sha256, image.tags[0], difference_hashes.get(image.content_sha256))
            for image in self.images
        ]

    def without(self, image_ids: set[str]) -> "DataSet":
        """Returns the data set without some images. Raises TrainingImpossible."""
        rest = replace(self, images=tuple(image for image in self.images if image.image_id not in image_ids))
        counts = rest.truth().sum(axis=0)
        for label, count in zip(self.labels, counts, strict=True):
            if count < MIN_IMAGES_PER_TAG:
                raise TrainingImpossible(
                    f"Tag '{label.tag_name}' has {count} readable images; training needs at least "
                    f"{MIN_IMAGES_PER_TAG}. Upload its images again."
                )
        return rest


def read_data_set(project: ProjectServiceStub, job: Job) -> DataSet:
    """Reads the data set of the job's iteration."""
    iteration = project.GetIteration(
        iterations_pb2.GetIterationRequest(project_id=job.project_id, iteration_id=job.iteration_id),
        timeout=CALL_SECONDS,
    )
    request = iterations_pb2.GetIterationDataSetRequest(project_id=job.project_id, iteration_id=job.iteration_id)
    tags: list[tags_pb2.Tag] = []
    records: list[iterations_pb2.DataSetImage] = []
    for chunk in project.GetIterationDataSet(request, timeout=10 * CALL_SECONDS):
        tags.extend(chunk.tags)
        records.extend(chunk.images)
    multilabel = iteration.classification_type == projects_pb2.CLASSIFICATION_TYPE_MULTILABEL
    return _data_set(tags, records, multilabel=multilabel)


def _data_set(
    tags: Sequence[tags_pb2.Tag], records: Sequence[iterations_pb2.DataSetImage], *, multilabel: bool
) -> DataSet:
    used = {tag_id for record in records for tag_id in record.tag_ids}
    # A tag without images has nothing to learn from.
    kept = [tag for tag in tags if tag.tag_id in used]
    position = {tag.tag_id: index for index, tag in enumerate(kept)}
    labels = tuple(Label(tag.tag_id, tag.name, tag.type == tags_pb2.TAG_TYPE_NEGATIVE) for tag in kept)
    images = tuple(
        DataSetImage(record.image_id, record.content_sha256, tuple(sorted(position[tag] for tag in record.tag_ids)))
        for record in records
    )
    return DataSet(labels, images, multilabel)
