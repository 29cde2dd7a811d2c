"""When callers over HTTP are told to come back."""

import pytest

from customvision.common.errors import (
    DeadlineExceeded,
    NotFound,
    ResourceExhausted,
    ServiceError,
    StorageFull,
    Unavailable,
)
from customvision.gateway.api_errors import api_error, respond


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (ResourceExhausted("Full.", retry_after=3.2), "4"),
        (ResourceExhausted("Full.", retry_after=0.1), "1"),
        (ResourceExhausted("Full."), "2"),
        (Unavailable("Away.", retry_after=30.0), "30"),
        (DeadlineExceeded("Too late."), "2"),
        (NotFound("Nothing.", retry_after=5.0), None),
        (StorageFull(), None),
    ],
)
def test_the_service_says_when(error: ServiceError, seconds: str | None) -> None:
    """The time that a service gives is told in whole seconds, two where it gives none, where a repetition helps."""
    assert respond(api_error(error)).headers.get("Retry-After") == seconds
