"""Images by URL, questions to an iteration, and suggestions through the clients."""

from collections.abc import Callable

from customvision.client import AsyncClient, Client, ClientSettings
from customvision.v1 import images_pb2, suggestions_pb2
from customvision.v1 import prediction_service_pb2 as prediction
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]


def created(call: ScriptedCall) -> images_pb2.CreateImagesResponse:
    """Answers each URL with a result."""
    results = [
        images_pb2.ImageCreateResult(index=index, file_name=image.url)
        for index, image in enumerate(call.request.images)
    ]
    return images_pb2.CreateImagesResponse(results=results)


def suggested(call: ScriptedCall) -> prediction.SuggestTagsResponse:
    """Answers each image with a suggestion."""
    suggestions = [suggestions_pb2.Suggestion(image_id=image_id) for image_id in call.request.image_ids]
    return prediction.SuggestTagsResponse(suggestions=suggestions)


def answered(_: ScriptedCall) -> prediction.PredictResponse:
    """Answers."""
    return prediction.PredictResponse(iteration_id="i")


async def test_many_urls_travel_in_several_calls(make_settings: MakeSettings) -> None:
    """Results come in order, numbered over all of them, through both clients."""
    urls = [f"http://example.com/{number}.jpg" for number in range(20)]
    with ScriptedServer({"CreateImagesFromUrls": created}) as server:
        with Client(make_settings(server.address)) as client:
            results = list(client.create_images_from_urls("p", iter(urls), ["t"]))
        async with AsyncClient(make_settings(server.address)) as awaited:
            assert [result async for result in awaited.create_images_from_urls("p", urls, ["t"])] == results
        requests = [call.request for call in server.calls["CreateImagesFromUrls"]]
    assert [(result.index, result.file_name) for result in results] == list(enumerate(urls))
    assert [len(request.images) for request in requests] == [8, 8, 4] * 2
    assert all((request.project_id, list(request.tag_ids)) == ("p", ["t"]) for request in requests)


async def test_many_suggestions_travel_in_several_calls(make_settings: MakeSettings) -> None:
    """No call asks for more than the service takes."""
    image_ids = [f"image {number}" for number in range(70)]
    with ScriptedServer({"SuggestTags": suggested}) as server:
        with Client(make_settings(server.address)) as client:
            assert [it.image_id for it in client.suggest_tags("p", "i", image_ids)] == image_ids
        async with AsyncClient(make_settings(server.address)) as awaited:
            assert [it.image_id async for it in awaited.suggest_tags("p", "i", image_ids)] == image_ids
        requests = [call.request for call in server.calls["SuggestTags"]]
    assert [len(request.image_ids) for request in requests] == [64, 6] * 2
    assert all((request.project_id, request.iteration_id) == ("p", "i") for request in requests)


async def test_a_question_names_url_iteration_and_label(make_settings: MakeSettings) -> None:
    """A text is the URL of an image, bytes are the image itself."""
    url = "http://example.com/rose.jpg"
    with ScriptedServer({"Predict": answered}) as server:
        with Client(make_settings(server.address)) as client:
            client.predict("p", url, iteration_id="i", store=True, application="shop")
        async with AsyncClient(make_settings(server.address)) as awaited:
            await awaited.predict("p", b"bytes", "live")
        first, second = [call.request for call in server.calls["Predict"]]
    assert first == prediction.PredictRequest(
        project_id="p", image_url=url, iteration_id="i", store=True, application="shop"
    )
    assert second == prediction.PredictRequest(project_id="p", image_data=b"bytes", publish_name="live")
