"""One line for each call, for those who ask for it."""

import logging

import pytest
import structlog

from customvision.common.access_log import AccessLog
from customvision.v1.prediction_service_pb2 import PredictRequest

REQUEST = PredictRequest(project_id="flowers\n", publish_name="best", image_data=b"secret pixels")


def told(access_log: AccessLog) -> list[structlog.typing.EventDict]:
    """Returns what is logged of a call."""
    with structlog.testing.capture_logs() as entries:
        access_log.tell("/customvision.v1.PredictionService/Predict", "OK", 0.01234, "id", access_log.names_in(REQUEST))
    return list(entries)


def test_a_line_says_whom_a_call_was_about() -> None:
    """Method, code, time and request id, with the names in the request in one line; nothing of the image."""
    (line,) = told(AccessLog(on=True))
    assert line == {
        "event": "call",
        "log_level": "info",
        "request_id": "id",
        "method": "/customvision.v1.PredictionService/Predict",
        "code": "OK",
        "milliseconds": 12.3,
        "project_id": "flowers\\n",
        "publish_name": "best",
    }


def test_names_of_any_length_make_short_lines() -> None:
    """A caller cannot fill the disk with one name."""
    with structlog.testing.capture_logs() as entries:
        access_log = AccessLog(on=True)
        names = access_log.names_in(PredictRequest(project_id="x" * 10_000))
        access_log.tell("/m", "OK", 0.0, "id", names)
    assert len(entries[0]["project_id"]) == 256


@pytest.mark.parametrize(("level", "lines"), [(logging.INFO, 0), (logging.DEBUG, 1)])
def test_without_being_asked_for_it_tells_at_debug_only(
    level: int, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that answers thousands of calls a second logs none of them unless told to."""
    leveled = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(level))
    monkeypatch.setattr("customvision.common.access_log.log", leveled)
    assert len(told(AccessLog())) == lines
