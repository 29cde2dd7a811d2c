"""Calls that take so many entries at a time, made as often as it takes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from customvision.client.steps import Call, Emit, Steps
from customvision.v1 import images_pb2, prediction_service_pb2

# As many as the service fetches at once, so that a batch of slow ones ends within a call's deadline.
URLS_AT_A_TIME = 8
SUGGESTIONS_AT_A_TIME = 64


def create_images_from_urls(project_id: str, urls: Iterable[str], tag_ids: Sequence[str]) -> Steps[None]:
    """Emits what became of each URL, in order; ``index`` counts over all of them."""
    start = 0
    for batch in _batches(urls, URLS_AT_A_TIME):
        images = [images_pb2.ImageUrl(url=url) for url in batch]
        request = images_pb2.CreateImagesFromUrlsRequest(project_id=project_id, images=images, tag_ids=tag_ids)
        answer: images_pb2.CreateImagesResponse = yield Call("project", "CreateImagesFromUrls", request)
        for result in answer.results:
            result.index += start
            yield Emit(result)
        start += len(batch)


def suggest_tags(project_id: str, iteration_id: str, image_ids: Iterable[str]) -> Steps[None]:
    """Emits the suggestions that were made, in order."""
    for batch in _batches(image_ids, SUGGESTIONS_AT_A_TIME):
        request = prediction_service_pb2.SuggestTagsRequest(
            project_id=project_id, iteration_id=iteration_id, image_ids=batch
        )
        answer: prediction_service_pb2.SuggestTagsResponse = yield Call("prediction", "SuggestTags", request)
        for suggestion in answer.suggestions:
            yield Emit(suggestion)


def _batches(entries: Iterable[str], size: int) -> Iterator[list[str]]:
    remaining = iter(entries)
    while batch := list(islice(remaining, size)):
        yield batch
