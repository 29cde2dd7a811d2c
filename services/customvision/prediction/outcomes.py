"""What became of one question among several: its answer, or the error that concerns it alone."""

from collections.abc import Awaitable
from typing import TypeAlias

import structlog

from customvision.common.errors import Internal, ServiceError, forget_frames
from customvision.prediction.predictor import Answer

Outcome: TypeAlias = Answer | ServiceError

log = structlog.get_logger()


async def outcome_of(answer: Awaitable[Answer]) -> Outcome:
    """Waits for an answer; an error is returned in its place, so that the other questions go on."""
    try:
        return await answer
    except ServiceError as error:
        forget_frames(error)
        return error
    except Exception:
        log.exception("a question failed")
        return Internal("Something went wrong inside the service; its log says more under the request id.")
