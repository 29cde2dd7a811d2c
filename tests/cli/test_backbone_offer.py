"""The offer to train again when better weights have appeared."""

import pytest

from customvision.cli.commands.backbone import _newest_answers_otherwise, _only_publish_name
from customvision.cli.display.backbones import backbone_words, print_offer
from customvision.cli.failures import Failure
from customvision.v1 import iterations_pb2, training_service_pb2

BUILT_IN = iterations_pb2.Backbone(
    backbone_id="b", architecture="mobilenet_v2_0.5_160", weights_source=iterations_pb2.WEIGHTS_SOURCE_BUILT_IN
)
OWN = iterations_pb2.Backbone(
    backbone_id="o", architecture="mobilenet_v2_1.0_224", weights_source=iterations_pb2.WEIGHTS_SOURCE_PATH
)


def iteration(publish_name: str, *, completed: bool = True) -> iterations_pb2.Iteration:
    """Returns an iteration that is published, or not."""
    status = iterations_pb2.ITERATION_STATUS_COMPLETED if completed else iterations_pb2.ITERATION_STATUS_FAILED
    return iterations_pb2.Iteration(publish_name=publish_name, status=status)


def test_offer_names_model_and_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Each model that would gain is named with both backbones and a command that a shell takes as it stands."""
    improvable = training_service_pb2.ImprovableIteration(publish_name="the best", backbone=BUILT_IN)
    answer = training_service_pb2.GetBackboneResponse(backbone=OWN, improvable_iterations=[improvable])
    print_offer("/opt/customvision", "my flowers", answer)
    told = " ".join(capsys.readouterr().err.split())
    assert "'the best' of 'my flowers' rests on mobilenet_v2_0.5_160, the small built-in weights" in told
    assert "mobilenet_v2_1.0_224, weights from the file that CUSTOMVISION_BACKBONE_WEIGHTS names" in told
    assert "/opt/customvision retrain --project 'my flowers' --publish-name 'the best'" in told


def test_newer_version_of_the_same_weights_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    """After an update that brings better built-in weights, old and new are not told by the same words."""
    improvable = training_service_pb2.ImprovableIteration(publish_name="best", backbone=BUILT_IN)
    newer = iterations_pb2.Backbone(
        backbone_id="c", architecture=BUILT_IN.architecture, weights_source=BUILT_IN.weights_source
    )
    print_offer(
        "cv", "flowers", training_service_pb2.GetBackboneResponse(backbone=newer, improvable_iterations=[improvable])
    )
    told = " ".join(capsys.readouterr().err.split())
    assert (
        "built-in weights. Now there is a newer version of it, which is usually more accurate. Train it again:" in told
    )


def test_better_iteration_is_offered_to_be_published(capsys: pytest.CaptureFixture[str]) -> None:
    """After a roll-back the iteration on better weights is named with the command that publishes it."""
    renewed = training_service_pb2.RenewedIteration(
        published=training_service_pb2.ImprovableIteration(publish_name="best", backbone=BUILT_IN),
        newer_iteration_id="i",
        newer_iteration_name="Iteration 2",
        newer_backbone=OWN,
    )
    print_offer("cv", "flowers", training_service_pb2.GetBackboneResponse(backbone=OWN, renewed_iterations=[renewed]))
    told = " ".join(capsys.readouterr().err.split())
    assert "'best' of 'flowers' rests on mobilenet_v2_0.5_160, the small built-in weights. 'Iteration 2' rests" in told
    command = "cv iterations publish 'Iteration 2' --project flowers --publish-name best --overwrite"
    assert told.endswith(f"Publish it: {command}")


def test_nothing_is_offered_without_need(capsys: pytest.CaptureFixture[str]) -> None:
    """Where no model would gain nothing is printed, and an iteration without a backbone has no words for it."""
    print_offer("customvision", "flowers", training_service_pb2.GetBackboneResponse(backbone=OWN))
    assert capsys.readouterr().err == ""
    assert backbone_words(iterations_pb2.Backbone()) == ""


def test_retraining_renews_the_only_name() -> None:
    """The one name of a project is renewed, the usual one where it has none; of several, one must be named."""
    assert _only_publish_name([iteration(""), iteration("staging")]) == "staging"
    assert _only_publish_name([iteration("")]) == "production"
    with pytest.raises(Failure, match="a, b"):
        _only_publish_name([iteration("b"), iteration("a")])


def test_retraining_takes_no_name_away() -> None:
    """Where the newest model answers under another name, one more is trained instead of moving it."""
    assert _newest_answers_otherwise([iteration("staging"), iteration("production")], "production")
    assert not _newest_answers_otherwise([iteration("", completed=False), iteration("production")], "production")
    assert not _newest_answers_otherwise([iteration("")], "production")
    assert not _newest_answers_otherwise([], "production")
