"""Domains over the REST API."""

import httpx

from running_gateway import MISSING, refused

GENERAL = "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"
CLASSIFICATION_DOMAINS = {
    GENERAL: "General",
    "a8e3c40f-fb4a-466f-832a-5e457ae4a344": "General [A1]",
    "2e37d7fb-3a54-486a-b4d6-cfc369af0018": "General [A2]",
    "c151d5b5-dd07-472a-acc8-15d29dea8518": "Food",
    "ca455789-012d-4b50-9fec-5bb63841c793": "Landmarks",
    "b30a91ae-e3c1-4f73-a81e-c270bff27c39": "Retail",
    "45badf75-3591-4f26-a705-45678d3e9f5f": "Adult",
    "0732100f-1a38-4e49-a514-c9b44c697ab5": "General (compact)",
    "a1db07ca-a19a-4830-bae8-e004a42dc863": "General (compact) [S1]",
    "8882951b-82cd-4c32-970b-d5f8cb8bf6d7": "Food (compact)",
    "b5cfd229-2ac7-4b2b-8d0a-2b0661344894": "Landmarks (compact)",
    "6b4faeda-8396-481b-9f8b-177b9fa3097f": "Retail (compact)",
}


async def test_domains_have_the_ids_that_clients_know(project_api: httpx.AsyncClient) -> None:
    """Every classification domain is there under its id, General first, and none detects objects."""
    domains = (await project_api.get("/domains")).json()
    assert domains[0] == {
        "id": GENERAL,
        "name": "General",
        "type": "Classification",
        "exportable": False,
        "enabled": True,
        "exportablePlatforms": [],
    }
    names = {domain["id"]: domain["name"] for domain in domains}
    assert CLASSIFICATION_DOMAINS.items() <= names.items()
    assert {domain["type"] for domain in domains} == {"Classification"}


async def test_compact_domains_are_exportable(project_api: httpx.AsyncClient) -> None:
    """Those whose name says compact, and only they, tell platforms and the size of a model."""
    for domain in (await project_api.get("/domains")).json():
        compact = "compact" in domain["name"]
        assert domain["exportable"] is compact
        assert ("modelInformation" in domain) is compact
        if compact:
            assert domain["exportablePlatforms"] == ["TensorFlow", "ONNX", "OpenVino"]
            assert domain["modelInformation"]["estimatedModelSizeInMegabytes"] > 0


async def test_one_domain_is_told_as_in_the_list(project_api: httpx.AsyncClient) -> None:
    """GetDomain answers what the list has of it; an unknown one is 404."""
    domain = (await project_api.get("/domains")).json()[7]
    assert (await project_api.get(f"/domains/{domain['id'].upper()}")).json() == domain
    refused(await project_api.get(f"/domains/{MISSING}"), 404, "NotFoundDomain")
