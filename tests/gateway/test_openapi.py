"""The OpenAPI document and the page: all operations of the API, with what clients send and read."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import pytest_asyncio

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.gateway.application import open_application
from customvision.gateway.openapi import openapi_document
from openapi_operations import Operation, operations, resolved

PROJECT, IMAGES = "/training/projects/{project_id}", "/training/projects/{project_id}/images"
ITERATION = f"{PROJECT}/iterations/{{iteration_id}}"
PREDICTION = "/prediction/{project_id}"
# Name, method, path, parameters of the query (required ones with a star), successes, and the model of the answer.
OPERATIONS = """
GetDomains                  GET    /training/domains                    -                                          200 [Domain]
GetDomain                   GET    /training/domains/{domain_id}        -                                          200 Domain
GetProjects                 GET    /training/projects                   -                                          200 [Project]
CreateProject               POST   /training/projects   name*,description,domainId,classificationType,targetExportPlatforms 200 Project
GetProject                  GET    PROJECT                              -                                          200 Project
DeleteProject               DELETE PROJECT                              -                                          204 -
UpdateProject               PATCH  PROJECT                              -                                          200 Project
GetArtifact                 GET    PROJECT/artifacts                    path*                                      200 bytes
ExportProject               GET    PROJECT/export                       -                                          200 ProjectExport
GetImages                   GET    IMAGES    iterationId,tagIds,$filter,taggingStatus,orderBy,take,skip            200 [Image]
CreateImagesFromData        POST   IMAGES                               tagIds                                     200,207 ImageCreateSummary
DeleteImages                DELETE IMAGES                               imageIds,allImages,allIterations           202,204 -
GetImageRegionProposals     POST   IMAGES/{image_id}/regionproposals    -                                          - -
GetImageCount               GET    IMAGES/count                         iterationId,taggingStatus,$filter,tagIds   200 integer
CreateImagesFromFiles       POST   IMAGES/files                         -                                          200,207 ImageCreateSummary
GetImagesByIds              GET    IMAGES/id                            imageIds,iterationId                       200 [Image]
UpdateImageMetadata         POST   IMAGES/metadata                      imageIds*                                  200,207 ImageMetadataUpdateSummary
CreateImagesFromPredictions POST   IMAGES/predictions                   -                                          200,207 ImageCreateSummary
CreateImageRegions          POST   IMAGES/regions                       -                                          - -
DeleteImageRegions          DELETE IMAGES/regions                       -                                          - -
QuerySuggestedImages        POST   IMAGES/suggested                     iterationId*                               200 SuggestedTagAndRegionQuery
QuerySuggestedImageCount    POST   IMAGES/suggested/count               iterationId*                               200 object
GetTaggedImages             GET    IMAGES/tagged                        iterationId,tagIds,orderBy,take,skip       200 [Image]
GetTaggedImageCount         GET    IMAGES/tagged/count                  iterationId,tagIds                         200 integer
CreateImageTags             POST   IMAGES/tags                          -                                          200 ImageTagCreateSummary
DeleteImageTags             DELETE IMAGES/tags                          imageIds*,tagIds*                          204 -
GetUntaggedImages           GET    IMAGES/untagged                      iterationId,orderBy,take,skip              200 [Image]
GetUntaggedImageCount       GET    IMAGES/untagged/count                iterationId                                200 integer
CreateImagesFromUrls        POST   IMAGES/urls                          -                                          200,207 ImageCreateSummary
GetIterations               GET    PROJECT/iterations                   -                                          200 [Iteration]
GetIteration                GET    ITERATION                            -                                          200 Iteration
DeleteIteration             DELETE ITERATION                            -                                          204 -
UpdateIteration             PATCH  ITERATION                            -                                          200 Iteration
GetExports                  GET    ITERATION/export                     -                                          200 [Export]
ExportIteration             POST   ITERATION/export                     platform*,flavor                           200 Export
GetIterationPerformance     GET    ITERATION/performance                threshold,overlapThreshold                 200 IterationPerformance
GetImagePerformances        GET    ITERATION/performance/images         tagIds,orderBy,take,skip                   200 [ImagePerformance]
GetImagePerformanceCount    GET    ITERATION/performance/images/count   tagIds                                     200 integer
PublishIteration            POST   ITERATION/publish                    publishName*,predictionId*,overwrite       200 boolean
UnpublishIteration          DELETE ITERATION/publish                    -                                          204 -
DeletePrediction            DELETE PROJECT/predictions                  ids*                                       204 -
QueryPredictions            POST   PROJECT/predictions/query            -                                          200 PredictionQueryResult
QuickTestImage              POST   PROJECT/quicktest/image              iterationId,store                          200 ImagePrediction
QuickTestImageUrl           POST   PROJECT/quicktest/url                iterationId,store                          200 ImagePrediction
GetTags                     GET    PROJECT/tags                         iterationId                                200 [Tag]
CreateTag                   POST   PROJECT/tags                         name*,description,type                     200 Tag
GetTag                      GET    PROJECT/tags/{tag_id}                iterationId                                200 Tag
DeleteTag                   DELETE PROJECT/tags/{tag_id}                -                                          204 -
UpdateTag                   PATCH  PROJECT/tags/{tag_id}                -                                          200 Tag
SuggestTagsAndRegions       POST   PROJECT/tagsandregions/suggestions   iterationId*,imageIds*                     200 [SuggestedTagAndRegion]
TrainProject                POST   PROJECT/train  trainingType,reservedBudgetInHours,forceTrain,notificationEmailAddress 200 Iteration
ImportProject               POST   /training/projects/import            token*,name                                200 Project
ClassifyImage               POST   PREDICTION/classify/iterations/{published_name}/image         application       200 ImagePrediction
ClassifyImageWithNoStore    POST   PREDICTION/classify/iterations/{published_name}/image/nostore application       200 ImagePrediction
ClassifyImageUrl            POST   PREDICTION/classify/iterations/{published_name}/url           application       200 ImagePrediction
ClassifyImageUrlWithNoStore POST   PREDICTION/classify/iterations/{published_name}/url/nostore   application       200 ImagePrediction
DetectImage                 POST   PREDICTION/detect/iterations/{published_name}/image           -                 - -
DetectImageWithNoStore      POST   PREDICTION/detect/iterations/{published_name}/image/nostore   -                 - -
DetectImageUrl              POST   PREDICTION/detect/iterations/{published_name}/url             -                 - -
DetectImageUrlWithNoStore   POST   PREDICTION/detect/iterations/{published_name}/url/nostore     -                 - -
"""  # noqa: E501 - a table
# Beside the API's own: live progress.
ADDED = {"GetIterationEvents"}
# Keys of models whose every key clients know.
KEYS = {
    "Domain": "id name type exportable enabled exportablePlatforms modelInformation",
    "Export": "platform status downloadUri flavor newerVersionAvailable",
    "Image": "id created width height resizedImageUri thumbnailUri originalImageUri tags metadata",
    "ImageCreateSummary": "isBatchSuccessful images",
    "ImagePerformance": "predictions id created width height imageUri thumbnailUri tags",
    "ImagePrediction": "id project iteration created predictions",
    "ImageTagCreateSummary": "created duplicated exceeded",
    "Iteration": "id name status created lastModified trainedAt projectId exportable exportableTo domainId "
    "classificationType trainingType reservedBudgetInHours trainingTimeInMinutes publishName "
    "originalPublishResourceId customBaseModelInfo trainingErrorDetails",
    "IterationPerformance": "perTagPerformance precision precisionStdDeviation recall recallStdDeviation "
    "averagePrecision",
    "ModelInformation": "estimatedModelSizeInMegabytes description",
    "PredictionQueryResult": "token results",
    "PredictionQueryToken": "session continuation maxCount orderBy tags iterationId startTime endTime application",
    "Project": "id name description settings created lastModified thumbnailUri drModeEnabled status",
    "ProjectExport": "iterationCount imageCount tagCount regionCount estimatedImportTimeInMS token",
    "ProjectSettings": "domainId classificationType targetExportPlatforms useNegativeSet detectionParameters "
    "imageProcessingSettings",
    "StoredImagePrediction": "resizedImageUri thumbnailUri originalImageUri domain id project iteration created "
    "predictions",
    "Tag": "id name description type imageCount",
    "TagPerformance": "id name precision precisionStdDeviation recall recallStdDeviation averagePrecision",
    "TrainingParameters": "selectedTags customBaseModelInfo",
    "CreateProjectOptions": "exportModelContainerUri notificationQueueUri",
    "CustomVisionError": "code message",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def document(shared_settings: Settings, keys: Keys) -> dict[str, Any]:
    """The document of the gateway."""
    async with open_application(shared_settings, keys) as application:
        return openapi_document(application)


def rows() -> dict[str, tuple[str, str, str, set[str], str]]:
    """Returns the table by name: method, path, successes, parameters, model."""
    table = {}
    for line in OPERATIONS.strip().splitlines():
        name, method, path, query, successes, model = line.split()
        for short, whole in (
            ("ITERATION", ITERATION),
            ("IMAGES", IMAGES),
            ("PROJECT", PROJECT),
            ("PREDICTION", PREDICTION),
        ):
            path = re.sub(f"^{short}", whole, path)
        table[name] = (method, path, successes, set() if query == "-" else set(query.split(",")), model)
    return table


def model_of(operation: Operation) -> str:
    """Returns what the operation answers with as the table has it."""
    schema = next((answer for status, answer in operation.answers.items() if status.startswith("2")), None)
    if schema is None:
        return "-"
    if schema.get("type") == "array":
        return f"[{schema['items']['$ref'].rpartition('/')[2]}]"
    if schema.get("format") == "binary":
        return "bytes"
    return str(schema.get("$ref") or schema.get("type", "")).rpartition("/")[2]


def test_every_operation_of_the_api_is_there(document: dict[str, Any]) -> None:
    """All 60 operations have the method, path, query, statuses and model that clients know, and one more is there."""
    found = {
        operation.name: (
            operation.method,
            operation.path,
            ",".join(sorted(status for status in operation.answers if status.startswith("2"))) or "-",
            operation.names("query"),
            model_of(operation),
        )
        for operation in operations(document)
    }
    assert len(rows()) == 60
    assert {name: found.get(name) for name in rows()} == rows()
    assert set(found) - set(rows()) == ADDED


@pytest.mark.parametrize("model", KEYS)
def test_models_have_the_keys_that_clients_know(document: dict[str, Any], model: str) -> None:
    """Each model has exactly the keys of the API that are about classification."""
    assert set(document["components"]["schemas"][model]["properties"]) == set(KEYS[model].split())


def test_every_operation_tells_errors_and_keys(document: dict[str, Any]) -> None:
    """Each operation says in what shape it refuses, which keys open it, and every reference leads somewhere."""
    for path, methods in document["paths"].items():
        for told in methods.values():
            assert "default" in told["responses"], path
            schemes = [name for each in told["security"] for name in each]
            assert ("PredictionKey" in schemes) == ("/prediction/" in path)
            assert set(schemes) <= set(document["components"]["securitySchemes"])
    references = re.findall(r"'\$ref': '([^']+)'", str(document))
    assert len(references) > 100
    assert all(resolved({"$ref": reference}, document) for reference in references)


async def test_document_and_page_take_a_key_as_a_password(client: httpx.AsyncClient, keys: Keys) -> None:
    """A browser is asked for a password, which is a key of either kind; the page is HTML whose style alone may load."""
    for path in ("/openapi.json", "/docs"):
        refused = await client.get(path)
        assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Basic ")
        wrong = await client.get(path, auth=("anyone", "wrong"))
        assert wrong.status_code == 401
    document = await client.get("/openapi.json", auth=("", keys.prediction_key))
    page = await client.get("/docs", auth=("anyone", keys.training_key))
    assert document.json()["openapi"].startswith("3.1")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "'unsafe-inline'" not in page.headers["content-security-policy"]
    assert "style-src 'sha256-" in page.headers["content-security-policy"]


async def test_a_password_opens_the_documentation_alone(client: httpx.AsyncClient, keys: Keys) -> None:
    """What a browser sends by itself, whatever page makes it, opens no call of the API."""
    domains = "/customvision/v3.3/training/domains"
    for path in (domains, "/metrics"):
        answer = await client.get(path, auth=("anyone", keys.training_key))
        assert answer.status_code == 401
    broken = await client.get("/docs", headers={"Authorization": "Basic !"})
    assert broken.status_code == 401


class Links(HTMLParser):
    """Collects the tags, ids and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag."""
        self.tags.add(tag)
        named = dict(attrs)
        self.ids.add(named.get("id") or "")
        self.links += [value for name, value in attrs if name in ("href", "src") and value]


async def test_the_page_tells_every_operation_and_leads_nowhere_else(client: httpx.AsyncClient, keys: Keys) -> None:
    """Each operation is on the page; it has no script and no link to another host, and its own links lead somewhere."""
    text = (await client.get("/docs", auth=("", keys.training_key))).text
    page = Links()
    page.feed(text)
    assert set(rows()) | ADDED <= page.ids
    assert not {"script", "img", "iframe", "link", "form"} & page.tags
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= page.ids
