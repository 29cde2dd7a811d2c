"""Exports over the REST API, on a scripted training service."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.v1 import training_service_pb2
from running_gateway import MISSING, ScriptedGateway, ServedGateway, refused, training_api, training_client
from scripted_kept_exports import ZIP, KeptExports

FORMATS = training_service_pb2.ExportFormat


@pytest.fixture
def path() -> str:
    """The exports of an iteration."""
    return f"/projects/{MISSING}/iterations/{uuid.uuid4()}/export"


@pytest.fixture
def exports() -> KeptExports:
    """A training service with exports."""
    return KeptExports()


@pytest.fixture
def served_exports(scripted_gateway: ScriptedGateway, exports: KeptExports) -> ServedGateway:
    """A gateway on it."""
    return scripted_gateway(exports.scripts)


@pytest_asyncio.fixture(loop_scope="module")
async def exports_api(served_exports: ServedGateway, keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its training API."""
    async with training_client(served_exports.bare.base_url, keys) as client:
        yield client


@pytest.mark.parametrize(
    ("platform", "flavor", "export_format"),
    [
        ("TensorFlow", None, FORMATS.EXPORT_FORMAT_SAVED_MODEL),
        ("TensorFlow", "TensorFlowNormal", FORMATS.EXPORT_FORMAT_SAVED_MODEL),
        ("tensorflow", "tensorflowlite", FORMATS.EXPORT_FORMAT_LITERT),
        ("TensorFlow", "TensorFlowLiteFloat16", FORMATS.EXPORT_FORMAT_LITERT_FLOAT16),
        ("ONNX", None, FORMATS.EXPORT_FORMAT_ONNX),
        ("ONNX", "ONNX12", FORMATS.EXPORT_FORMAT_ONNX),
        ("OpenVino", None, FORMATS.EXPORT_FORMAT_OPENVINO),
    ],
)
async def test_platforms_and_flavors_become_formats(
    exports_api: httpx.AsyncClient,
    served_exports: ServedGateway,
    path: str,
    platform: str,
    flavor: str | None,
    export_format: int,
) -> None:
    """Each platform and flavor that there is asks for its format, in any spelling."""
    query = {"platform": platform} | ({"flavor": flavor} if flavor else {})
    answer = await exports_api.post(path, params=query)
    assert answer.status_code == 200, answer.text
    assert served_exports.requests("StartExport")[0].format == export_format


async def test_an_export_is_polled_until_it_is_done(
    exports_api: httpx.AsyncClient, exports: KeptExports, path: str
) -> None:
    """It is Exporting without a link, then Done with one, under the name that it was asked for."""
    started = (await exports_api.post(path, params={"platform": "ONNX", "flavor": "ONNX10"})).json()
    assert started == {
        "platform": "ONNX",
        "status": "Exporting",
        "downloadUri": None,
        "flavor": "ONNX10",
        "newerVersionAvailable": False,
    }
    assert (await exports_api.get(path)).json() == [started]
    exports.state = training_service_pb2.EXPORT_STATE_DONE
    (done,) = (await exports_api.get(path)).json()
    assert done["status"] == "Done"
    assert done["downloadUri"].startswith(f"http://127.0.0.1:{exports_api.base_url.port}/blobs/")
    exports.state = training_service_pb2.EXPORT_STATE_FAILED
    (failed,) = (await exports_api.get(path)).json()
    assert (failed["status"], failed["downloadUri"]) == ("Failed", None)


async def test_the_link_opens_without_a_key_and_for_nothing_else(
    exports_api: httpx.AsyncClient, exports: KeptExports, path: str
) -> None:
    """The zip comes whole to whoever has the link; a changed link opens nothing."""
    exports.state = training_service_pb2.EXPORT_STATE_DONE
    link = (await exports_api.post(path, params={"platform": "ONNX"})).json()["downloadUri"]
    async with httpx.AsyncClient() as stranger:
        zipped = await stranger.get(link)
        assert (zipped.status_code, zipped.content) == (200, ZIP)
        assert zipped.headers["content-type"] == "application/zip"
        assert zipped.headers["content-disposition"].startswith("attachment")
        assert (await stranger.get(link.replace("onnx", "keras"))).status_code == 403
        assert (await stranger.get(link.partition("?")[0])).status_code == 403


async def test_an_export_whose_name_is_forgotten_goes_by_all(
    served_exports: ServedGateway, settings: Settings, keys: Keys, path: str
) -> None:
    """After a restart of the gateway whoever polls for any of a format's names still finds it."""
    wired = replace(settings, training_address=served_exports.scripted.address)
    async with training_api(wired, keys) as before:
        await before.post(path, params={"platform": "ONNX", "flavor": "ONNX12"})
    async with training_api(wired, keys) as after:
        listed = (await after.get(path)).json()
    assert {(export["platform"], export["flavor"]) for export in listed} == {
        ("ONNX", None),
        ("ONNX", "ONNX10"),
        ("ONNX", "ONNX12"),
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "BadRequestRequiredParamIsNull"),
        ({"platform": "CoreML"}, "BadRequestProjectUnsupportedExportPlatform"),
        ({"platform": "DockerFile", "flavor": "Linux"}, "BadRequestProjectUnsupportedExportPlatform"),
        ({"platform": "ONNX", "flavor": "TensorFlowLite"}, "BadRequestProjectUnsupportedExportPlatform"),
    ],
)
async def test_other_platforms_are_refused(
    exports_api: httpx.AsyncClient, served_exports: ServedGateway, path: str, query: dict[str, str], code: str
) -> None:
    """A platform that there is no format for is refused, with those that there are."""
    message = refused(await exports_api.post(path, params=query), 400, code)
    assert ("OpenVino" if query else "platform") in message
    assert served_exports.requests("StartExport") == []


async def test_an_export_link_without_signature_is_closed(client: httpx.AsyncClient, keys: Keys) -> None:
    """Even the training key opens no link that was not given."""
    link = f"/blobs/projects/{MISSING}/iterations/{MISSING}/exports/onnx.zip"
    answer = await client.get(link, headers={"Training-Key": keys.training_key})
    assert answer.status_code == 403
