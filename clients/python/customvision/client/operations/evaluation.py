"""Measuring an iteration on images of one's own."""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from customvision.client.errors import CustomVisionError
from customvision.client.operations.image_files import read_image
from customvision.client.steps import Call, Steps
from customvision.v1 import training_service_pb2

# Ten thousand photos over a slow connection.
EVALUATION_SECONDS = 3600.0

Request = training_service_pb2.EvaluateIterationRequest


@dataclass(frozen=True)
class LabelledImage:
    """A file of a test set, the names of the tags that it truly has, and the id that the answer names it by."""

    image_id: str
    path: Path
    tag_names: Sequence[str]


def evaluate_iteration(
    project_id: str,
    iteration_id: str,
    images: Iterable[LabelledImage],
    threshold: float | None,
    on_sent: Callable[[int], None],
) -> Steps[training_service_pb2.EvaluateIterationResponse]:
    """Returns how an iteration does on images, of which nothing is kept.

    ``on_sent`` hears after each image how many were sent. Raises CustomVisionError.
    """
    header = training_service_pb2.EvaluateIterationHeader(
        project_id=project_id, iteration_id=iteration_id, threshold=threshold
    )
    requests = _requests(header, images, on_sent)
    answer: training_service_pb2.EvaluateIterationResponse = yield Call(
        "training", "EvaluateIteration", requests, EVALUATION_SECONDS
    )
    return answer


def _requests(
    header: training_service_pb2.EvaluateIterationHeader,
    images: Iterable[LabelledImage],
    on_sent: Callable[[int], None],
) -> Generator[Request, None, None]:
    yield Request(header=header)
    for count, image in enumerate(images, start=1):
        message = training_service_pb2.TestImage(
            image_id=image.image_id, data=_content(image.path), tag_names=image.tag_names
        )
        yield Request(image=message)
        on_sent(count)


def _content(path: Path) -> bytes:
    try:
        return read_image(path).data
    except CustomVisionError:
        # An empty file is answered as unreadable, like any other that cannot be decoded.
        return b""
