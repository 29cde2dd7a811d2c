"""Errors as the API tells them: one table from the services' reasons to the API's codes."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from customvision.common.errors import DeadlineExceeded, ResourceExhausted, ServiceError, StorageFull, Unavailable
from customvision.common.status import code_of, error_from_call
from customvision.gateway.methods import methods_of
from customvision.gateway.response_headers import HEADERS
from customvision.gateway.rest.models.base import CustomVisionError

RETRY_SECONDS = 2
# By the beginning of a code; the API's own documentation names them so.
STATUS_BY_PREFIX = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "Conflict": 409,
    "UnsupportedMediaType": 415,
    "Error": 500,
}
CODES = {
    "KEY_MISSING": "Unauthorized",
    "KEY_WRONG": "Unauthorized",
    "KEY_NOT_SUFFICIENT": "Forbidden",
    "PROJECT_NOT_FOUND": "NotFoundProject",
    "PROJECT_IN_USE": "BadRequestIterationIsPublished",
    "SEVERAL_TAGS_PER_IMAGE": "BadRequestImageTags",
    "DOMAIN_NOT_FOUND": "NotFoundDomain",
    "DOMAIN_UNUSABLE": "BadRequestUnsupportedDomain",
    "TEXT_TOO_LONG": "BadRequestInvalid",
    "TOO_MANY_ITEMS": "BadRequestExceededBatchSize",
    "NOTHING_GIVEN": "BadRequestRequiredParamIsNull",
    "TAG_NOT_FOUND": "NotFoundTag",
    "TAG_NAME_TAKEN": "BadRequestTagNameNotUnique",
    "NEGATIVE_TAG_EXISTS": "BadRequestMultipleNegativeTag",
    "TAG_LIMIT_REACHED": "BadRequestExceedTagPerImageLimit",
    "NEGATIVE_BESIDE_REGULAR_TAG": "BadRequestNegativeAndRegularTagOnSameImage",
    "IMAGE_NOT_FOUND": "NotFoundImage",
    "IMAGE_FILE_LOST": "NotFoundImage",
    "IMAGE_FORMAT_UNKNOWN": "BadRequestImageFormat",
    "IMAGE_SIZE_INVALID": "BadRequestImageSizeBytes",
    "IMAGE_DIMENSIONS_INVALID": "BadRequestImageDimensions",
    "TOO_FEW_TAGS": "BadRequestClassificationTrainingValidationFailed",
    "TOO_FEW_IMAGES": "BadRequestClassificationTrainingValidationFailed",
    "NOTHING_CHANGED": "BadRequestTrainingNotNeeded",
    "TRAINING_BUDGET_INVALID": "BadRequestReservedBudgetInHoursNotEnoughForAdvancedTraining",
    "BASE_ITERATION_NOT_USABLE": "BadRequestCustomBaseModelIterationStatusNotCompleted",
    "SELECTED_TAG_INVALID": "BadRequestInvalidIds",
    "ITERATION_NOT_FOUND": "NotFoundIteration",
    "ITERATION_NAME_TAKEN": "BadRequestIterationNameNotUnique",
    "ITERATION_NOT_COMPLETED": "BadRequestIterationIsNotTrained",
    "ITERATION_IN_USE": "BadRequestIterationIsPublished",
    "ITERATION_NOT_PUBLISHED": "BadRequestIterationNotPublished",
    "PUBLISH_NAME_TAKEN": "BadRequestInvalidPublishName",
    "EXPORT_FORMAT_UNKNOWN": "BadRequestProjectUnsupportedExportPlatform",
    "MODEL_NOT_PUBLISHED": "NotFoundIteration",
    "PUBLISHED_MODELS_UNKNOWN": "ErrorPredictionServiceUnavailable",
    "MODEL_LOADING": "ErrorPredictionModelNotCached",
    "MODEL_NOT_FETCHED": "ErrorPredictionModelNotCached",
    "MODEL_DAMAGED": "ErrorPredictionModelNotFound",
    "PREDICTION_NOT_FOUND": "NotFoundImage",
    "PREDICTION_FILE_LOST": "NotFoundImage",
    "METADATA_INVALID": "BadRequestImageMetadataValue",
    "URL_INVALID": "BadRequestImageUrl",
    "URL_REFUSED": "BadRequestImageUrl",
    "URL_HOST_UNKNOWN": "BadRequestImageUrl",
    "URL_UNREACHABLE": "BadRequestImageUrl",
    "URL_TOO_SLOW": "BadRequestImageUrl",
    "URL_ANSWER_UNUSABLE": "BadRequestImageUrl",
    "URL_REDIRECTED_TOO_OFTEN": "BadRequestImageUrl",
    "URL_CONTENT_TOO_LARGE": "BadRequestImageSizeBytes",
    "THRESHOLD_INVALID": "BadRequestPredictionInvalidQueryParameters",
}
# Of a reason that stands for several states, the state that has another code.
CODES_IN_STATE = {
    ("PROJECT_IN_USE", "training"): "BadRequestOperationNotSupported",
    ("ITERATION_IN_USE", "training"): "BadRequestOperationNotSupported",
}
# What the services' sentences call things, and what the API does.
WORDS = {
    "List(Projects|Tags|Images|Iterations|Domains)": r"Get\1",
    "ListPredictions": "QueryPredictions",
    "tag_ids": "tagIds",
    "image_ids": "imageIds",
    "page_token": "continuation",
    "publish_name": "publishName",
    "training_budget": "reservedBudgetInHours",
}
KEY_IN_METADATA = "'training-key' or 'prediction-key' metadata"
KEY_IN_HEADER = "the header Training-Key or Prediction-Key"
# Where the table names no code for a reason, the kind of the error does.
CODES_BY_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: "BadRequestInvalid",
    grpc.StatusCode.NOT_FOUND: "NotFound",
    grpc.StatusCode.ALREADY_EXISTS: "Conflict",
    grpc.StatusCode.FAILED_PRECONDITION: "BadRequestOperationNotSupported",
    grpc.StatusCode.OUT_OF_RANGE: "BadRequestInvalid",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "BadRequestExceededQuota",
}


# For the OpenAPI document.
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": CustomVisionError, "description": description}
    for status, description in (
        (400, "The request is wrong, or the project is not in the state that it needs; `code` says which."),
        (401, "No key, or a wrong one."),
        (404, "What the path names is not there."),
        (503, "A service is away; repeat the request."),
        ("default", "Any other error."),
    )
}


class ApiError(Exception):
    """An error of the API's own: a ``code`` that it documents, and a sentence that says what to do."""

    def __init__(self, code: str, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code, self.message = code, message
        self.status = status or _status(code)
        # The header knows whole seconds only.
        self.retry_seconds = RETRY_SECONDS if retry_after is None else max(1, math.ceil(retry_after))


def api_error(error: ServiceError, codes: Mapping[str, str] | None = None) -> ApiError:
    """Returns the error as the API tells it; ``codes`` by reason go before the table's."""
    in_state = CODES_IN_STATE.get((error.reason, error.metadata.get("state", "")))
    code = (codes or {}).get(error.reason) or in_state or CODES.get(error.reason) or CODES_BY_STATUS.get(code_of(error))
    return ApiError(
        code or "ErrorUnknown",
        _in_words_of_the_api(error.message),
        status=_status_of_kind(error),
        retry_after=error.retry_after,
    )


def _in_words_of_the_api(message: str) -> str:
    for pattern, word in WORDS.items():
        # Not what users call something, which stands in quotes.
        message = re.sub(rf"(?<!')\b{pattern}\b(?!')", word, message)
    return message.replace(KEY_IN_METADATA, KEY_IN_HEADER)


def service_error(error: grpc.aio.AioRpcError) -> ServiceError:
    """Returns the error that a call to a service ended with."""
    return error_from_call(error, service="needed")


@contextmanager
def told_as(codes: Mapping[str, str]) -> Iterator[None]:
    """Gives the services' errors other codes than the table does: codes by reason."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise api_error(service_error(error), codes) from error


async def explain_call(_request: Request, error: Exception) -> JSONResponse:
    """Answers where a call to a service ended with an error."""
    assert isinstance(error, grpc.aio.AioRpcError)  # noqa: S101 - registered for this kind alone
    return respond(api_error(service_error(error)))


async def explain(_request: Request, error: Exception) -> JSONResponse:
    """Answers with an error of the API's own."""
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this kind alone
    return respond(error)


async def explain_http(request: Request, error: Exception) -> JSONResponse:
    """Answers where there is no such route, or not for this method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return respond(ApiError("NotFound", "There is no such path; GET /openapi.json lists those that there are."))
    if status == 405:
        return _method_not_allowed(request)
    return respond(ApiError("ErrorUnknown", "Something went wrong.", status=status))


async def explain_fault(_request: Request, _error: Exception) -> JSONResponse:
    """Answers where something went wrong that nobody foresaw; the log has it whole."""
    answer = respond(ApiError("ErrorUnknown", "Something went wrong inside the gateway; its log says more."))
    # Made outside of all middleware.
    answer.headers.update(HEADERS)
    return answer


async def explain_query(_request: Request, error: Exception) -> JSONResponse:
    """Answers where a query parameter is missing or cannot be read."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this kind alone
    problem = error.errors()[0]
    place, name = problem["loc"][0], str(problem["loc"][-1])
    if place == "path":
        return respond(ApiError("NotFound", f"'{name}' in the path is not one that there can be: {problem['msg']}."))
    if problem["type"] == "missing":
        return respond(ApiError("BadRequestRequiredParamIsNull", f"The parameter '{name}' is missing."))
    return respond(ApiError("BadRequestInvalid", f"The parameter '{name}' cannot be read: {problem['msg']}."))


def respond(error: ApiError) -> JSONResponse:
    """Returns the response that tells ``error``."""
    headers = {"Retry-After": str(error.retry_seconds)} if error.status in (429, 503) else None
    return JSONResponse({"code": error.code, "message": error.message}, status_code=error.status, headers=headers)


def _method_not_allowed(request: Request) -> JSONResponse:
    methods = methods_of(request.scope)
    if "GET" in methods and "HEAD" not in methods:
        methods.insert(1, "HEAD")
    message = f"This path does not take this method; it takes {', '.join(methods)}."
    answer = respond(ApiError("BadRequestNotSupported", message, status=405))
    answer.headers["Allow"] = ", ".join(methods)
    return answer


def _status_of_kind(error: ServiceError) -> int | None:
    if isinstance(error, StorageFull) or error.reason == StorageFull.reason:
        return 507
    if isinstance(error, ResourceExhausted):
        return 429
    return 503 if isinstance(error, Unavailable | DeadlineExceeded) else None


def _status(code: str) -> int:
    return next(status for prefix, status in STATUS_BY_PREFIX.items() if code.startswith(prefix))
