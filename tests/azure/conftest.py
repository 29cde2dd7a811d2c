"""One suite for all clients of Azure, photos for them, and the address that the photos have."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from azure.photos import Photos
from pictures import photo
from suite_process import SuiteProcess, running_suite, write_folder

COLORS = {"Hemlock": (40, 120, 60), "Cherry": (220, 140, 180), "Other": (120, 120, 200)}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - named so by its base
        """Says nothing."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Photos]:
    """Ten drawn photos for each of three classes, served on this machine."""
    files = {
        name: [photo(seed, color=color) for seed in range(number * 100, number * 100 + 10)]
        for number, (name, color) in enumerate(COLORS.items())
    }
    folder = write_folder(tmp_path_factory.mktemp("photos"), files)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Photos(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteProcess]:
    """A running suite that may fetch images from this machine."""
    home = tmp_path_factory.mktemp("suite") / "home"
    with running_suite(home, CUSTOMVISION_URL_ALLOWED_HOSTS="127.0.0.1") as running:
        yield running


@pytest.fixture(scope="module")
def quickstart_environment(suite: SuiteProcess) -> dict[str, str]:
    """The environment variables that Microsoft's quickstarts read, pointing to the suite."""
    keys = json.loads((suite.home / "keys.json").read_text())
    endpoint = f"http://{suite.environment['CUSTOMVISION_HTTP_ADDRESS']}"
    return {
        "VISION_TRAINING_ENDPOINT": endpoint,
        "VISION_TRAINING_KEY": keys["training_key"],
        "VISION_PREDICTION_ENDPOINT": endpoint,
        "VISION_PREDICTION_KEY": keys["prediction_key"],
        "VISION_PREDICTION_RESOURCE_ID": "/subscriptions/s/resourceGroups/g/providers/p/accounts/anything",
    }
