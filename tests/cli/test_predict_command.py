"""``customvision predict`` against a service whose answers a test writes."""

import json
from collections.abc import Iterator
from pathlib import Path

import grpc

from command_line import CommandLine
from customvision.v1 import prediction_service_pb2 as prediction
from customvision.v1 import stored_predictions_pb2 as stored
from scripted_server import ScriptedCall, ScriptedServer

PROJECT = "22222222-2222-4222-8222-222222222222"


def answered_backwards(call: ScriptedCall) -> Iterator[prediction.PredictStreamResponse]:
    """Answers the last image first; one that says "damaged" cannot be read."""
    for request in reversed(call.request):
        content = request.question.image_data.decode()
        if content == "damaged":
            failure = prediction.PredictionFailure(code=3, reason="IMAGE_FORMAT_UNKNOWN", message="It is damaged.")
            yield prediction.PredictStreamResponse(request_id=request.request_id, failure=failure)
        else:
            tags = [stored.TagProbability(tag_name=content, probability=1.0)]
            response = prediction.PredictResponse(predictions=tags)
            yield prediction.PredictStreamResponse(request_id=request.request_id, response=response)


def written(folder: Path, *contents: str) -> list[Path]:
    """Writes a file for each text."""
    paths = [folder / f"{number}.jpg" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    return paths


def test_answers_are_in_the_order_of_the_images(command_line: CommandLine, tmp_path: Path) -> None:
    """However the answers come, the list is in order; what could not be used has its sentence, and exit code 1."""
    paths = [*written(tmp_path, "rose", "damaged", "tulip"), tmp_path / "missing.jpg"]
    with ScriptedServer({"PredictStream": answered_backwards}) as server:
        command_line.connect(prediction=server.address)
        output, _ = command_line.run("predict", *paths, "-p", PROJECT, "--json", exit_code=1)
        assert len(server.calls["PredictStream"]) == 1
    answers = json.loads(output)
    assert [answer["image"] for answer in answers] == list(map(str, paths))
    assert [answer["predictions"] for answer in answers] == [
        [{"tag_name": "rose", "probability": 1.0}], [], [{"tag_name": "tulip", "probability": 1.0}], [],
    ]  # fmt: skip
    assert answers[1]["error"] == "It is damaged."
    assert "there is no such file" in answers[3]["error"]


def test_what_concerns_all_images_is_told_once(command_line: CommandLine, tmp_path: Path) -> None:
    """An error that is not about an image ends the command with one sentence."""

    def unpublished(call: ScriptedCall) -> Iterator[prediction.PredictStreamResponse]:
        for request in call.request:
            failure = prediction.PredictionFailure(
                code=grpc.StatusCode.NOT_FOUND.value[0], reason="MODEL_NOT_PUBLISHED", message="Nothing is published."
            )
            yield prediction.PredictStreamResponse(request_id=request.request_id, failure=failure)

    with ScriptedServer({"PredictStream": unpublished}) as server:
        command_line.connect(prediction=server.address)
        line = command_line.fail("predict", *written(tmp_path, "rose", "tulip"), "-p", PROJECT)
    assert line == "Nothing is published."
