"""Targets that name their host, as they are sent to a proxy."""

import asyncio

import httpx

from customvision.common.keys import Keys
from running_gateway import TRAINING_API


async def answer_to(client: httpx.AsyncClient, target: str, *headers: str) -> str:
    """Returns the whole answer to a GET of this target."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write("\r\n".join([f"GET {target} HTTP/1.1", *headers, "Connection: close", "", ""]).encode())
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_a_target_with_its_host_is_its_path(project_client: httpx.AsyncClient, keys: Keys) -> None:
    """It is answered as the path alone would be, query included, in whatever case the scheme is written."""
    # By then it listens.
    await project_client.get("/openapi.json")
    key = f"Training-Key: {keys.training_key}"
    for target in (f"http://localhost{TRAINING_API}/domains", f"HTTP://LocalHost:80/{TRAINING_API}/Domains?x=/y"):
        answer = await answer_to(project_client, target, "Host: localhost", key)
        assert answer.startswith("HTTP/1.1 200 "), answer
        assert "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31" in answer
    assert (await answer_to(project_client, "http://localhost", "Host: localhost", key)).startswith("HTTP/1.1 303 ")
    assert (await answer_to(project_client, f"http://localhost{TRAINING_API}/domains", "Host: localhost")).startswith(
        "HTTP/1.1 401 "
    )


async def test_the_host_of_the_target_counts(client: httpx.AsyncClient) -> None:
    """The host in the target is checked as `Host` would be, in its place; other targets are no open path."""
    await client.get("/openapi.json")
    for target, host, status in (
        ("http://evil.example/healthz", "localhost", 421),
        ("http://localhost/healthz", "evil.example", 503),
        ("http://user@localhost/healthz", "localhost", 401),
        ("ftp://localhost/healthz", "localhost", 401),
        ("http:///healthz", "localhost", 401),
    ):
        answer = await answer_to(client, target, f"Host: {host}")
        assert answer.startswith(f"HTTP/1.1 {status} "), (target, answer)
