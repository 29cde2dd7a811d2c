"""One spelling for every path, as published samples and SDKs write them."""

from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customvision.common.keys import Keys
from customvision.gateway.canonical_paths import canonical, decoded_name
from running_gateway import refused


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/customvision/v3.3/training/projects", "/customvision/v3.3/training/projects"),
        ("//customvision/V3.3/Training//Projects/", "/customvision/v3.3/training/projects"),
        ("/CustomVision/v3.4-Preview/training/domains?x=//Y", "/customvision/v3.4-preview/training/domains"),
        (
            "/customvision/v3.1/Prediction/P/Classify/Iterations/My%20Model/Image",
            "/customvision/v3.1/prediction/p/classify/iterations/My Model/image",
        ),
        (
            "/customvision/v3.1/prediction/p/classify/iterations/A%2FB/url",
            "/customvision/v3.1/prediction/p/classify/iterations/A%2FB/url",
        ),
        ("/customvision/v3.1/training/projects/a%2Fb", "/customvision/v3.1/training/projects/a%2fb"),
        ("/healthz", "/healthz"),
        ("/Blobs/A", "/Blobs/A"),
    ],
)
def test_paths_of_the_api_have_one_spelling(raw: str, path: str) -> None:
    """Slashes are single and words in lower case, but published names stay as they are; other paths are not touched."""
    assert canonical(raw).replace("%2F", "%2f") == path.replace("%2F", "%2f")


@given(st.text(min_size=1).filter(lambda name: name.strip("/")))
def test_a_published_name_arrives_as_it_was_sent(name: str) -> None:
    """Whatever a model is called, its name comes through as one segment."""
    path = canonical(f"/customvision/v3.1/prediction/p/classify/iterations/{quote(name, safe='')}/image")
    arrived = path.removeprefix("/customvision/v3.1/prediction/p/classify/iterations/").removesuffix("/image")
    assert (decoded_name(arrived), "/" in arrived) == (name, False)


async def test_samples_with_odd_paths_are_answered(project_client: httpx.AsyncClient, keys: Keys) -> None:
    """A doubled slash, capitals and a slash at the end lead to the same answer, without a redirect."""
    project_client.headers["Training-Key"] = keys.training_key
    plain = await project_client.get("/customvision/v3.3/training/domains")
    odd = await project_client.get(httpx.URL(f"{project_client.base_url}//CustomVision/V3.3/Training/Domains/"))
    assert plain.status_code == 200
    assert (odd.status_code, odd.json()) == (200, plain.json())


@pytest.mark.parametrize("version", ["v3.0", "v3.1", "v3.2", "v3.3", "v3.4-preview"])
async def test_every_version_of_the_training_api_is_served(
    project_client: httpx.AsyncClient, keys: Keys, version: str
) -> None:
    """All versions that SDKs were made for answer alike."""
    answer = await project_client.get(
        f"/customvision/{version}/training/projects", headers={"Ocp-Apim-Subscription-Key": keys.training_key}
    )
    assert (answer.status_code, answer.json()) == (200, [])


async def test_other_versions_are_not_there(client: httpx.AsyncClient, keys: Keys) -> None:
    """A version that nobody speaks is 404, in the API's words."""
    client.headers["Training-Key"] = keys.training_key
    refused(await client.get("/customvision/v2.0/training/projects"), 404, "NotFound")
