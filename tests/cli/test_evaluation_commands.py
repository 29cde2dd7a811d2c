"""Looking at how iterations do: `iterations show`, `results`, `compare` and `evaluate`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from command_line import CommandLine
from customvision.v1 import domains_pb2, iterations_pb2, projects_pb2, tags_pb2
from customvision.v1 import stored_predictions_pb2 as stored
from customvision.v1 import training_service_pb2 as training
from scripted_server import ScriptedCall, ScriptedServer
from suite_process import write_folder

COMPLETED = iterations_pb2.ITERATION_STATUS_COMPLETED
P = ("-p", "flowers")
TAGS = ("daisy", "rose [red]")


def performance(tags: int = 2) -> training.IterationPerformance:
    """Returns figures of tags of which the first is always right and the second twice of three times."""
    names = [*TAGS, *(f"tag {number}" for number in range(2, tags))]
    counts = [0] * tags**2
    counts[0], counts[tags], counts[tags + 1] = 3, 1, 2
    return training.IterationPerformance(
        iteration_id="new",
        threshold=0.5,
        overall=iterations_pb2.IterationMetrics(accuracy=5 / 6, held_out_image_count=6),
        tags=[
            training.TagPerformance(tag_id=name, tag_name=name, precision=0.75, held_out_image_count=3, image_count=15)
            for name in names
        ],
        confusion=training.ConfusionMatrix(tag_ids=names, counts=counts),
        calibration=training.Calibration(
            expected_calibration_error=0.042,
            uncalibrated_error=0.079,
            bins=[training.CalibrationBin(lower=0.9, upper=1, answer_count=6)],
        ),
        cross_validation=training.CrossValidation(
            folds=5, accuracy_mean=0.85, accuracy_deviation=0.031, average_precision_mean=0.882
        ),
    )


def result(image_id: str, tag: str, likeliest: str) -> training.ImageResult:
    """Returns the result of one image."""
    ordered = sorted(TAGS, key=lambda name: name != likeliest)
    return training.ImageResult(
        image_id=image_id,
        tag_ids=[tag],
        right=tag == likeliest,
        predictions=[
            stored.TagProbability(tag_id=name, tag_name=name, probability=0.9 - 0.8 * rank)
            for rank, name in enumerate(ordered)
        ],
    )


def listed(call: ScriptedCall) -> training.ListImageResultsResponse:
    """Answers two pages of results."""
    if call.request.page_token:
        return training.ListImageResultsResponse(results=[result("image-3", "daisy", "daisy")])
    first = [result("image-1", "rose [red]", "daisy"), result("image-2", "daisy", "daisy")]
    return training.ListImageResultsResponse(results=first, next_page_token="more")


def evaluated(call: ScriptedCall) -> training.EvaluateIterationResponse:
    """Answers as a service that finds the first image unreadable and the second wrong."""
    images = [message.image for message in call.request[1:]]
    results = [result(image.image_id, image.tag_names[0], "daisy") for image in images[1:]]
    return training.EvaluateIterationResponse(
        performance=performance(), results=results, unreadable_image_ids=[images[0].image_id]
    )


def compared(_: ScriptedCall) -> training.IterationComparison:
    """Answers a comparison that proves something."""
    return training.IterationComparison(
        image_count=40,
        metrics=iterations_pb2.IterationMetrics(accuracy=0.9),
        other_metrics=iterations_pb2.IterationMetrics(accuracy=0.65),
        improved_image_ids=[f"image-{number}" for number in range(25)],
        worsened_image_ids=["image-x"],
        chance_probability=0.0001,
    )


SCRIPTS: dict[str, Any] = {
    "ListDomains": lambda _: domains_pb2.ListDomainsResponse(),
    "ListProjects": lambda _: projects_pb2.ListProjectsResponse(projects=[projects_pb2.Project(project_id="p")]),
    "ListTags": lambda _: tags_pb2.ListTagsResponse(tags=[tags_pb2.Tag(tag_id=name, name=name) for name in TAGS]),
    "ListIterations": lambda _: iterations_pb2.ListIterationsResponse(
        iterations=[
            iterations_pb2.Iteration(iteration_id="failed", name="It 3", status=iterations_pb2.ITERATION_STATUS_FAILED),
            iterations_pb2.Iteration(project_id="p", iteration_id="new", name="It 2", status=COMPLETED),
            iterations_pb2.Iteration(project_id="p", iteration_id="old", name="It 1", status=COMPLETED),
        ]
    ),
    "GetPerformance": lambda _: performance(),
    "ListImageResults": listed,
    "CompareIterations": compared,
    "EvaluateIteration": evaluated,
}


@pytest.fixture
def server(command_line: CommandLine) -> Iterator[ScriptedServer]:
    """Services that answer the scripts, which the command line is connected to."""
    with ScriptedServer(SCRIPTS) as server:
        command_line.connect(project=server.address, training=server.address)
        yield server


def test_show_tells_what_is_behind_the_figures(command_line: CommandLine, server: ScriptedServer) -> None:
    """`iterations show` prints the confusion grid, calibration and spread, at the threshold that was asked for."""
    output, _ = command_line.run("iterations", "show", "It 2", *P, "--threshold", "0.7")
    assert server.calls["GetPerformance"][0].request.threshold == 0.7
    words = [line.split() for line in output.splitlines()]
    assert ["1", "daisy", "3", "·"] in words
    assert ["2", "rose", "[red]", "1", "2"] in words
    assert "probabilities are 4.2% off on average (before calibration 7.9%)" in output
    assert "Over 5 folds: accuracy 85.0% ± 3.1%" in output
    assert json.loads(command_line.run("iterations", "show", "It 2", *P, "--json")[0])["performance"]["confusion"]


def test_many_tags_become_a_list(command_line: CommandLine) -> None:
    """A grid that no terminal could show becomes a list of what is taken for what."""
    with ScriptedServer({**SCRIPTS, "GetPerformance": lambda _: performance(30)}) as server:
        command_line.connect(project=server.address, training=server.address)
        output, _ = command_line.run("iterations", "show", "It 2", *P)
    assert "1 x rose [red] taken for daisy" in output


def test_results_are_listed(command_line: CommandLine, server: ScriptedServer) -> None:
    """`iterations results` lists images with their tags and answers, over pages, and passes its filters on."""
    output, _ = command_line.run("iterations", "results", "It 2", *P)
    rows = [line.split() for line in output.splitlines() if "image-" in line]
    assert rows == [
        ["image-1", "rose", "[red]", "10.0%", "daisy", "90.0%", "no"],
        ["image-2", "daisy", "90.0%", "daisy", "90.0%", "yes"],
        ["image-3", "daisy", "90.0%", "daisy", "90.0%", "yes"],
    ]
    options = ("--wrong", "--tag", "rose [red]", "--taken-for", "daisy", "--threshold", "0.3", "--limit", "1", "--json")
    output, notes = command_line.run("iterations", "results", "2", *P, *options, exit_code=1)
    assert "no iteration '2'" in notes
    output, notes = command_line.run("iterations", "results", "new", *P, *options)
    assert [record["image_id"] for record in json.loads(output)] == ["image-1"]
    assert "more than these 1" in notes
    request = server.calls["ListImageResults"][-1].request
    assert (request.wrong_only, request.tag_id, request.taken_for_tag_id) == (True, "rose [red]", "daisy")
    assert request.threshold == 0.3


def test_several_tags_are_answered(command_line: CommandLine) -> None:
    """In a multilabel project the answer is every tag from the threshold on."""
    kind = projects_pb2.CLASSIFICATION_TYPE_MULTILABEL
    project = projects_pb2.Project(project_id="p", classification_type=kind)
    scripts = {**SCRIPTS, "ListProjects": lambda _: projects_pb2.ListProjectsResponse(projects=[project])}
    with ScriptedServer(scripts) as server:
        command_line.connect(project=server.address, training=server.address)
        output, _ = command_line.run("iterations", "results", "It 2", *P, "--threshold", "0.05")
        assert "daisy 90.0%, rose [red] 10.0%" in output
        output, _ = command_line.run("iterations", "results", "It 2", *P)
        assert "daisy 90.0%, rose [red] 10.0%" not in output


def test_comparison_is_told(command_line: CommandLine, server: ScriptedServer) -> None:
    """`iterations compare` prints both sides' figures, what changed, and which is better."""
    output, _ = command_line.run("iterations", "compare", "It 2", "It 1", *P)
    request = server.calls["CompareIterations"][0].request
    assert (request.iteration_id, request.other_iteration_id) == ("new", "old")
    assert ["accuracy", "90.0%", "65.0%", "+25.0%"] in [line.split() for line in output.splitlines()]
    assert "only 'It 2' is right on 25 images" in output
    assert "… and 5 more" in output
    assert "0.0%: 'It 2' is better." in output
    assert json.loads(command_line.run("iterations", "compare", "It 2", "It 1", *P, "--json")[0])["image_count"] == 40


def test_a_folder_is_evaluated(command_line: CommandLine, server: ScriptedServer, tmp_path: Path) -> None:
    """`iterations evaluate` sends each photo with its folder's name, measures the newest model, and names what is wrong
    and what could not be read."""
    folder = write_folder(tmp_path / "test", {"daisy": [b"d"], "rose [red]": [b"one", b"two"]})
    output, notes = command_line.run("iterations", "evaluate", folder, *P)
    header, *images = server.calls["EvaluateIteration"][0].request
    assert (header.header.project_id, header.header.iteration_id) == ("p", "new")
    assert not header.header.HasField("threshold")
    assert [(message.image.image_id, message.image.data, list(message.image.tag_names)) for message in images] == [
        ("daisy/000.jpg", b"d", ["daisy"]),
        ("rose [red]/000.jpg", b"one", ["rose [red]"]),
        ("rose [red]/001.jpg", b"two", ["rose [red]"]),
    ]
    assert "Measured on 6 test images" in output
    assert output.count("rose [red]/00") == 2
    assert "no readable image: daisy/000.jpg" in notes
    options = ("--iteration", "It 1", "--threshold", "0.9", "--json")
    answer = json.loads(command_line.run("iterations", "evaluate", folder, *P, *options)[0])
    assert len(answer["results"]) == 2
    opened = server.calls["EvaluateIteration"][1].request[0].header
    assert (opened.iteration_id, opened.threshold) == ("old", 0.9)


def test_a_file_that_cannot_be_sent_is_sent_empty(
    command_line: CommandLine, server: ScriptedServer, tmp_path: Path
) -> None:
    """A file that is too large does not end the evaluation; the service finds it unreadable."""
    folder = write_folder(tmp_path / "test", {"daisy": [bytes(6 * 1024 * 1024 + 1), b"d"]})
    _, notes = command_line.run("iterations", "evaluate", folder, *P)
    assert [message.image.data for message in server.calls["EvaluateIteration"][0].request[1:]] == [b"", b"d"]
    assert "no readable image: daisy/000.jpg" in notes


def test_a_refusal_is_one_sentence(command_line: CommandLine, tmp_path: Path) -> None:
    """Where the service refuses the test set, its sentence is shown and nothing else."""

    def refuse(call: ScriptedCall) -> None:
        call.fail(grpc.StatusCode.INVALID_ARGUMENT, "Image 'a' has the tag 'lily', which the iteration does not know.")

    folder = write_folder(tmp_path / "test", {"lily": [b"l"]})
    with ScriptedServer({**SCRIPTS, "EvaluateIteration": refuse}) as server:
        command_line.connect(project=server.address, training=server.address)
        assert "the tag 'lily'" in command_line.fail("iterations", "evaluate", folder, *P)


def test_without_a_model_nothing_is_measured(command_line: CommandLine, tmp_path: Path) -> None:
    """A project without a trained model says how to get one."""
    folder = write_folder(tmp_path / "test", {"lily": [b"l"]})
    with ScriptedServer({**SCRIPTS, "ListIterations": lambda _: iterations_pb2.ListIterationsResponse()}) as server:
        command_line.connect(project=server.address, training=server.address)
        assert "no trained model yet" in command_line.fail("iterations", "evaluate", folder, *P)
