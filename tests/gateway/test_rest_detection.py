"""Object detection over the REST API: refused in its own words."""

import httpx
import pytest

from customvision.common.keys import Keys
from running_gateway import MISSING, refused

TRAINING = f"/customvision/v3.3/training/projects/{MISSING}/images"
DETECT = f"/customvision/v3.1/prediction/{MISSING}/detect/iterations/My%20Model"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{TRAINING}/{MISSING}/regionproposals"),
        ("POST", f"{TRAINING}/regions"),
        ("DELETE", f"{TRAINING}/regions?regionIds={MISSING}"),
        ("POST", f"{DETECT}/image"),
        ("POST", f"{DETECT}/image/nostore"),
        ("POST", f"{DETECT}/url"),
        ("POST", f"{DETECT}/url/nostore?application=a"),
    ],
)
async def test_detection_is_refused_in_one_sentence(
    client: httpx.AsyncClient, keys: Keys, method: str, path: str
) -> None:
    """Each call of object detection says that it is not supported, with a body and without."""
    client.headers["Prediction-Key" if "prediction" in path else "Training-Key"] = keys.training_key
    message = refused(await client.request(method, path), 400, "BadRequestNotSupported")
    assert "not supported" in message
    form = {"imageData": bytes(4_000_000)} if method == "POST" else None
    refused(await client.request(method, path, files=form), 400, "BadRequestNotSupported")


async def test_a_key_comes_first(client: httpx.AsyncClient) -> None:
    """Without a key nothing is told, not even that."""
    answer = await client.post(f"{DETECT}/image", content=b"x")
    assert isinstance(answer, httpx.Response)
    refused(answer, 401, "Unauthorized")
