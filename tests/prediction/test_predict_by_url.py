"""Images that the prediction service fetches itself."""

import dataclasses
from collections.abc import AsyncIterator

import grpc
import pytest

from customvision.common.status import error_from_call
from customvision.common.url_fetching.addresses import AllowedHosts
from customvision.v1 import prediction_service_pb2 as messages
from models import model
from pictures import photo
from prediction.running_suite import Suite
from prediction.test_predict import error_of
from prediction.test_stored_predictions import until
from project_calls import refusal_of
from web_server import WebServer, web_server

RED = photo(1, color=(220, 40, 90))


@pytest.fixture
async def web(suite: Suite) -> AsyncIterator[WebServer]:
    """A web server on the loopback address, from which the suite may fetch."""
    suite.settings = dataclasses.replace(suite.settings, url_allowed_hosts=AllowedHosts.parse("127.0.0.1"))
    async with web_server() as server:
        yield server


def question(url: str, **fields: object) -> messages.PredictRequest:
    """Returns a question about the image at a URL."""
    return messages.PredictRequest(project_id="p", publish_name="m", image_url=url, **fields)  # type: ignore[arg-type]


async def test_a_fetched_image_is_answered_like_a_sent_one(suite: Suite, web: WebServer) -> None:
    """The answer is the same, and what is stored is the image that was fetched."""
    suite.project.publish("p", "m", "i", model())
    web.give("/red.jpg", RED)
    async with suite.prediction() as prediction:
        sent = await prediction.predict("p", "m", RED)
        fetched = await prediction.ask(question(web.url("/red.jpg"), store=True))
        await until(lambda: suite.project.recorded)
    assert fetched.predictions == sent.predictions
    assert suite.project.recorded[0].image_data == RED


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/missing.jpg", "URL_ANSWER_UNUSABLE"),
        ("/large.jpg", "URL_CONTENT_TOO_LARGE"),
        ("/page.html", "IMAGE_FORMAT_UNKNOWN"),
        ("/away.jpg", "URL_REFUSED"),
    ],
)
async def test_what_cannot_be_used_is_told(suite: Suite, web: WebServer, path: str, reason: str) -> None:
    """No file, too large a file, no image, an address that is not allowed."""
    suite.project.publish("p", "m", "i", model())
    web.answers["/large.jpg"] = b"HTTP/1.1 200 OK\r\nContent-Length: 6291457\r\n\r\n"
    web.give("/page.html", b"<html>no picture</html>")
    web.redirect("/away.jpg", "http://127.0.0.2/")
    async with suite.prediction() as prediction:
        refusal = await refusal_of(prediction.ask(question(web.url(path))))
    assert refusal.reason == reason
    assert refusal.fields == (["image_data"] if reason.startswith("IMAGE") else ["image_url"])


async def test_nothing_is_fetched_for_a_model_that_there_is_not(suite: Suite, web: WebServer) -> None:
    """The model is looked for first."""
    async with suite.prediction() as prediction:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.ask(question(web.url()))
    assert error_of(raised).reason == "MODEL_NOT_PUBLISHED"
    assert web.connections == 0


async def test_this_machine_is_refused_unless_allowed(suite: Suite) -> None:
    """Without the setting the service connects to nothing on its own machine."""
    suite.project.publish("p", "m", "i", model())
    async with web_server() as web, suite.prediction() as prediction:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.ask(question(web.url()))
    assert error_from_call(raised.value, service="prediction").reason == "URL_REFUSED"
    assert web.connections == 0
