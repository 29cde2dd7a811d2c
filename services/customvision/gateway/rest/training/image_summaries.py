"""What became of a batch of images, in the words of the version that asks."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from customvision.gateway.links import Links
from customvision.gateway.rest.image_answers import image_answer
from customvision.gateway.rest.models.images import ImageCreateResult, ImageCreateSummary
from customvision.gateway.rest.versions import TrainingVersion
from customvision.v1 import images_pb2

OK, UNKNOWN = "OK", "ErrorUnknown"
STATUS_WORDS = {
    images_pb2.IMAGE_CREATE_STATUS_OK: OK,
    images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE: "OKDuplicate",
    images_pb2.IMAGE_CREATE_STATUS_ERROR_FORMAT: "ErrorImageFormat",
    images_pb2.IMAGE_CREATE_STATUS_ERROR_SIZE: "ErrorImageSize",
    images_pb2.IMAGE_CREATE_STATUS_ERROR_DIMENSIONS: "ErrorImageDimensions",
    images_pb2.IMAGE_CREATE_STATUS_ERROR_INVALID_TAG: "ErrorInvalidTag",
    images_pb2.IMAGE_CREATE_STATUS_ERROR_TAG_LIMIT: "ErrorTagLimitExceed",
    images_pb2.IMAGE_CREATE_STATUS_ERROR_NEGATIVE_AND_REGULAR_TAG: "ErrorNegativeAndRegularTagOnSameImage",
    images_pb2.IMAGE_CREATE_STATUS_ERROR_SOURCE: "ErrorSource",
    images_pb2.IMAGE_CREATE_STATUS_ERROR_METADATA: "ErrorLimitExceed",
}
# Words that came with version 3.4, and what is nearest to them among the older ones.
OLDER_WORDS = {"ErrorImageDimensions": "ErrorImageSize", "ErrorInvalidTag": UNKNOWN}


def image_create_summary(
    results: Sequence[images_pb2.ImageCreateResult],
    sources: Iterable[str | None],
    request: Request,
    response: Response,
    *,
    version: TrainingVersion,
    links: Links,
) -> ImageCreateSummary:
    """Returns the summary of ``results``, of images from ``sources``, and sets the status of ``response``.

    As the API does, a batch with a duplicate counts as not successful.
    """
    entries = [_entry(result, source, request, version, links) for result, source in zip(results, sources, strict=True)]
    successful = all(entry.status == OK for entry in entries)
    response.status_code = HTTPStatus.OK if successful else version.partial_success_status
    return ImageCreateSummary(is_batch_successful=successful, images=entries)


def _entry(
    result: images_pb2.ImageCreateResult, source: str | None, request: Request, version: TrainingVersion, links: Links
) -> ImageCreateResult:
    word = STATUS_WORDS.get(result.status, UNKNOWN)
    entry = ImageCreateResult(status=word if version.knows_status_words_of_3_4 else OLDER_WORDS.get(word, word))
    if source is not None:
        entry.source_url = source
    if result.HasField("image"):
        entry.image = image_answer(result.image, request, links)
    if result.message:
        entry.message = result.message
    return entry
