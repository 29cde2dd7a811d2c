"""Clients of Azure Custom Vision with one suite: its published SDKs, unmodified, and `customvision import-azure`."""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from azure.photos import Photos
from suite_process import SuiteProcess

pytestmark = pytest.mark.long

# Where `make test` installs the SDKs.
PYTHON_SDKS = Path(__file__).parents[2] / ".venv" / "azure"
JAVASCRIPT_SDKS = Path(__file__).parent / "javascript"
PROGRAMS = Path(__file__).parent / "programs"
SECONDS = 300


@pytest.mark.parametrize("version", ["3.1.1", "3.0.0", "2.0.0", "1.0.0"])
def test_a_project_lives_with_every_operation(
    version: str, quickstart_environment: dict[str, str], photos: Photos
) -> None:
    """Every operation of the SDK, unmodified, over plain HTTP, does what programs that use it rely on."""
    packages = PYTHON_SDKS / version
    if not packages.is_dir():
        pytest.skip(f"the SDK is not installed in {packages}; `make test` installs it")
    outcome = subprocess.run(
        [sys.executable, PROGRAMS / "project_life.py", photos.folder, photos.url],
        env={**os.environ, **quickstart_environment, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_a_project_lives_in_javascript(quickstart_environment: dict[str, str], photos: Photos) -> None:
    """Every operation of the SDKs, unmodified, over plain HTTP, does what programs that use it rely on."""
    if shutil.which("node") is None:
        pytest.skip("Node is needed to run the SDKs for JavaScript")
    if not (JAVASCRIPT_SDKS / "node_modules").is_dir():
        pytest.skip("the SDKs for JavaScript are not installed; `make test` installs them where there is npm")
    outcome = subprocess.run(
        ["node", "project-life.js", photos.folder, photos.url],
        cwd=JAVASCRIPT_SDKS,
        env=os.environ | quickstart_environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.fixture
def gateway(quickstart_environment: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of the training API."""
    address = f"{quickstart_environment['VISION_TRAINING_ENDPOINT']}/customvision/v3.3/training"
    headers = {"Training-Key": quickstart_environment["VISION_TRAINING_KEY"]}
    with httpx.Client(base_url=address, headers=headers, timeout=30) as client:
        yield client


def make_project(gateway: httpx.Client, photos: Photos) -> str:
    """Makes a project with two types of tags, 30 images, of which ten are untagged, and metadata; returns its name."""
    options = {"name": "to move", "domainId": "0732100f-1a38-4e49-a514-c9b44c697ab5", "description": "trees"}
    project_id = gateway.post("/projects", params=options).raise_for_status().json()["id"]
    tags = f"/projects/{project_id}/tags"
    hemlock = gateway.post(tags, params={"name": "Hemlock", "description": "a conifer"}).json()["id"]
    nothing = gateway.post(tags, params={"name": "nothing", "type": "Negative"}).json()["id"]
    for name, tag_ids in (("Hemlock", [hemlock]), ("Cherry", [nothing]), ("Other", [])):
        images = [
            {"name": path.name, "contents": base64.b64encode(path.read_bytes()).decode(), "tagIds": tag_ids}
            for path in sorted((photos.folder / name).iterdir())
        ]
        batch = {"images": images, "metadata": {"folder": name}}
        summary = gateway.post(f"/projects/{project_id}/images/files", json=batch).raise_for_status().json()
        assert summary["isBatchSuccessful"], summary
    return "to move"


def described(gateway: httpx.Client, name: str) -> dict[str, Any]:
    """Returns all of a project that does not differ between it and a copy."""
    [project] = [each for each in gateway.get("/projects").json() if each["name"] == name]
    tags = gateway.get(f"/projects/{project['id']}/tags").json()
    images = gateway.get(f"/projects/{project['id']}/images", params={"take": 256, "orderBy": "Oldest"}).json()
    return {
        "description": project["description"],
        "settings": project["settings"],
        "tags": [{key: tag[key] for key in ("name", "description", "type", "imageCount")} for tag in tags],
        "images": [
            ([tag["tagName"] for tag in image.get("tags", [])], image["metadata"], image["width"]) for image in images
        ],
        "files": [httpx.get(image["originalImageUri"]).content for image in images],
    }


def test_a_project_moves_from_gateway_to_suite(suite: SuiteProcess, gateway: httpx.Client, photos: Photos) -> None:
    """The copy has all that the project has, pixel for pixel, and a second run finds nothing to do."""
    name = make_project(gateway, photos)
    suite.environment["CUSTOMVISION_AZURE_KEY"] = gateway.headers["Training-Key"]
    endpoint = f"http://{gateway.base_url.netloc.decode()}"
    command = ("import-azure", "--endpoint", endpoint, "--project", name, "--name", "moved")
    assert suite.run(*command).stdout.startswith("Images: 30 copied.")
    assert suite.run(*command).stdout.startswith("Images: 30 already there.")
    copy = described(gateway, "moved")
    assert copy == described(gateway, name)
    assert [tag["imageCount"] for tag in copy["tags"]] == [10, 10]
    assert {labels["folder"] for _, labels, _ in copy["images"]} == {"Hemlock", "Cherry", "Other"}
