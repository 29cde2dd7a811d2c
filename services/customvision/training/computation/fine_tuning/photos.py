"""The photos that a network is fine-tuned on, on disk for as long as the training takes."""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from customvision.common.errors import InvalidArgument
from customvision.training.computation.data_set import DataSetImage
from customvision.training.computation.embedding import DOWNLOAD_IMAGES, downloaded
from customvision.training.computation.project_calls import patiently
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.decoding import open_for_backbone, resized_for_backbone

# Saved once, a little larger than the network sees: decoding a large photo anew for each epoch takes longer.
SPARE, QUALITY = 1.4, 95

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Photos:
    """Photos on disk for inputs of ``size`` pixels, in the order of a data set: two files of each."""

    size: int
    files: tuple[Path, ...]

    @property
    def missing(self) -> list[int]:
        """The rows of photos that could not be had."""
        return [row for row, file in enumerate(self.files) if not _served(file).exists()]

    def as_served(self, rows: Sequence[int]) -> Pixels:
        """Returns uint8[len(rows), size, size, 3]: these photos exactly as predictions see them."""
        pixels = np.empty((len(rows), self.size, self.size, 3), dtype=np.uint8)
        for index, row in enumerate(rows):
            with Image.open(_served(self.files[row])) as image:
                pixels[index] = np.asarray(image)
        return pixels


def fetch_photos(
    project: ProjectServiceStub,
    project_id: str,
    images: Sequence[DataSetImage],
    size: int,
    folder: Path,
    reached: Callable[[float], None] = lambda _: None,
) -> Photos:
    """Downloads ``images`` into ``folder``, but for those that are there, and shrinks them.

    ``reached`` hears the share that is done, 0 to 1, and may raise to end it. Raises TrainingImpossible where the
    project service stays away.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {image.image_id: folder / f"{image.content_sha256}.jpg" for image in images}
    wanted = [image_id for image_id, file in files.items() if not _served(file).exists()]
    for start in range(0, len(wanted), DOWNLOAD_IMAGES):
        batch = wanted[start : start + DOWNLOAD_IMAGES]
        patiently(lambda batch=batch: _save(project, project_id, batch, files, size))  # type: ignore[misc]
        reached(min(1.0, (start + DOWNLOAD_IMAGES) / len(wanted)))
    return Photos(size, tuple(files[image.image_id] for image in images))


def _save(
    project: ProjectServiceStub, project_id: str, image_ids: list[str], files: dict[str, Path], size: int
) -> None:
    for image_id, data in downloaded(project, project_id, image_ids):
        file = files[image_id]
        if hashlib.sha256(data).hexdigest() != file.stem:
            continue
        with contextlib.suppress(InvalidArgument):
            image = open_for_backbone(data, size)
            factor = min(1.0, SPARE * size / min(image.size))
            sides = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
            image.resize(sides, Image.Resampling.BILINEAR, reducing_gap=2.0).save(file, "JPEG", quality=QUALITY)
            # The second file's name stands for both.
            served, unfinished = _served(file), file.with_suffix(".part")
            Image.fromarray(resized_for_backbone(image, size)).save(unfinished, "PNG", compress_level=1)
            unfinished.rename(served)


def _served(file: Path) -> Path:
    return file.with_suffix(".png")
