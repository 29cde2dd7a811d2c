"""Uploading files: only those that the project lacks travel, and a broken stream is repeated."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from customvision.client.errors import CustomVisionError
from customvision.client.operations.image_files import (
    ImageFile,
    Outcome,
    UploadedImage,
    batches,
    read_images,
)
from customvision.client.operations.patience import Patience
from customvision.client.steps import Call, Emit, Sleep, Steps, Work
from customvision.v1 import images_pb2

STORED = (images_pb2.IMAGE_CREATE_STATUS_OK, images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE)


def upload_images(
    project_id: str,
    files: Iterable[Path],
    tag_ids: Sequence[str],
    metadata: Mapping[str, str],
    patience_seconds: float,
) -> Steps[None]:
    """Emits an UploadedImage for every file, in order within each batch, once the service has answered for it.

    Files that the project holds with these tags and the keys of ``metadata`` are not sent. Raises CustomVisionError
    where the whole upload cannot go on; what was emitted before is stored.
    """
    patience = Patience(patience_seconds)
    for batch in batches(files):
        read = yield Work(partial(read_images, batch))
        readable = [file for file in read if isinstance(file, ImageFile)]
        known = yield from _find(project_id, readable, patience)
        complete = {
            sha256
            for sha256, image in known.items()
            if set(tag_ids) <= set(image.tag_ids) and metadata.keys() <= image.metadata.keys()
        }
        results = yield from _send(
            [file for file in readable if file.sha256 not in complete],
            images_pb2.UploadImagesHeader(project_id=project_id, tag_ids=tag_ids, metadata=metadata),
            set(known),
            patience,
        )
        for file in read:
            if isinstance(file, UploadedImage):
                yield Emit(file)
            elif file.sha256 in complete:
                yield Emit(UploadedImage(file.path, Outcome.ALREADY_THERE, file.sha256, known[file.sha256].image_id))
            else:
                yield Emit(results[file.path])


def _find(project_id: str, files: Sequence[ImageFile], patience: Patience) -> Steps[dict[str, images_pb2.Image]]:
    if not files:
        return {}
    digests = sorted({file.sha256 for file in files})
    request = images_pb2.FindImagesRequest(project_id=project_id, source_sha256s=digests)
    answer: images_pb2.FindImagesResponse = yield from _until_answered("FindImages", request, patience)
    return {image.source_sha256: image for image in answer.images}


def _send(
    files: Sequence[ImageFile], header: images_pb2.UploadImagesHeader, known: set[str], patience: Patience
) -> Steps[dict[Path, UploadedImage]]:
    if not files:
        return {}
    requests = [images_pb2.UploadImagesRequest(header=header)]
    requests += [
        images_pb2.UploadImagesRequest(image=images_pb2.ImageUpload(image_data=file.data, file_name=file.name))
        for file in files
    ]
    # Safe to repeat: the service recognises what it stored before the stream broke.
    answer: images_pb2.UploadImagesResponse = yield from _until_answered("UploadImages", requests, patience)
    present = set(known)
    results = {}
    for result in answer.results:
        file = files[result.index]
        results[file.path] = _result(file, result, present)
        present.add(file.sha256)
    return results


def _until_answered(method: str, request: object, patience: Patience) -> Steps[Any]:
    while True:
        try:
            answer = yield Call("project", method, request)
        except CustomVisionError as error:
            yield Sleep(patience.pause_after(error))
        else:
            patience.renew()
            return answer


def _result(file: ImageFile, result: images_pb2.ImageCreateResult, present: set[str]) -> UploadedImage:
    if result.status not in STORED:
        return UploadedImage(file.path, Outcome.REFUSED, file.sha256, "", result.message, result.status)
    # After a repeated stream the service calls a duplicate what this upload brought.
    outcome = Outcome.ALREADY_THERE if file.sha256 in present else Outcome.CREATED
    return UploadedImage(file.path, outcome, file.sha256, result.image_id, "", result.status)
