"""Methods: HEAD wherever GET is, and what a path takes where it does not take the one that was sent."""

import httpx

from customvision.common.keys import Keys
from running_gateway import MISSING, TRAINING_API, refused


async def test_head_answers_as_get_does_without_the_body(project_client: httpx.AsyncClient, keys: Keys) -> None:
    """Status and headers are those of GET, for lists, errors and the metrics; the connection goes on."""
    project_client.headers["Training-Key"] = keys.training_key
    for path in (f"{TRAINING_API}/domains", f"{TRAINING_API}/projects/{MISSING}", "/openapi.json", "/nowhere"):
        read, head = await project_client.get(path), await project_client.head(path)
        assert (head.status_code, head.content) == (read.status_code, b""), path
        for name in ("content-length", "content-type", "cache-control"):
            assert head.headers[name] == read.headers[name], path
    assert (await project_client.head(f"{TRAINING_API}/domains", headers={"Training-Key": "wrong"})).status_code == 401
    counted = (await project_client.get("/metrics")).text
    assert 'customvision_http_requests_total{method="HEAD",route="/domains",status="200"} 1.0' in counted


async def test_a_method_that_is_not_taken_is_told_those_that_are(client: httpx.AsyncClient, keys: Keys) -> None:
    """405 names in `Allow` all methods that the path takes, and says so in words."""
    project = f"{TRAINING_API}/projects/{MISSING}"
    client.headers["Training-Key"] = keys.training_key
    for method, path, allowed in (
        ("DELETE", f"{TRAINING_API}/projects", "GET, HEAD, POST"),
        ("POST", project, "GET, HEAD, PATCH, DELETE"),
        ("HEAD", f"{project}/train", "POST"),
        ("GET", f"/customvision/v3.1/prediction/{MISSING}/classify/iterations/name/image", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed), path
        assert method == "HEAD" or allowed in refused(answer, 405, "BadRequestNotSupported")
