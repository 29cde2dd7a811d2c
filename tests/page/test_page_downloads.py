"""The zips of exports, for who is signed in on the page."""

import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.common.sign_in import sessions
from customvision.gateway.page.sessions import COOKIE
from customvision.v1 import training_service_pb2
from running_gateway import MISSING, refused, served_gateway
from scripted_kept_exports import ZIP, KeptExports

PATH = f"/page/projects/{MISSING}/iterations/{MISSING}/exports/onnx.zip"
DONE, EXPORTING = training_service_pb2.EXPORT_STATE_DONE, training_service_pb2.EXPORT_STATE_EXPORTING


@pytest.fixture
def exports() -> KeptExports:
    """A training service that keeps an export as ONNX."""
    exports = KeptExports()
    exports.kept[training_service_pb2.EXPORT_FORMAT_ONNX] = training_service_pb2.Export(
        project_id=MISSING, iteration_id=MISSING, format=training_service_pb2.EXPORT_FORMAT_ONNX
    )
    exports.state = DONE
    return exports


async def test_a_zip_comes_whole_to_who_is_signed_in(settings: Settings, keys: Keys, exports: KeptExports) -> None:
    """With a session it is a file to keep, under its own name; without one, or with a key alone, it is 401."""
    async with served_gateway(settings, keys, exports.scripts) as served:
        refused(await served.bare.get(PATH), 401, "Unauthorized")
        assert (await served.client.get(PATH)).status_code == 401
        served.bare.cookies.set(COOKIE, sessions(keys).make(60))
        answer = await served.bare.get(PATH)
        assert (answer.status_code, answer.content) == (200, ZIP)
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"].startswith('attachment; filename="It-ration-1.zip"')
        assert answer.headers["content-length"] == str(len(ZIP))
        assert (await served.bare.head(PATH)).headers["content-length"] == str(len(ZIP))
        served.bare.cookies.set(COOKIE, sessions(keys).make(60) + "x")
        refused(await served.bare.get(PATH), 401, "Unauthorized")


async def test_what_is_not_done_is_not_there(settings: Settings, keys: Keys, exports: KeptExports) -> None:
    """An export that is being made, and a format that nobody asked for, are 404 with what to do."""
    async with served_gateway(settings, keys, exports.scripts) as served:
        served.bare.cookies.set(COOKIE, sessions(keys).make(60))
        assert "ask for it again" in refused(await served.bare.get(PATH.replace("onnx", "keras")), 404, "NotFound")
        exports.state = EXPORTING
        refused(await served.bare.get(PATH), 404, "NotFound")
