"""What is shown of a model that no held-out image measures."""

import pytest

from customvision.cli.display.performance import metrics_words, print_performance
from customvision.v1 import iterations_pb2
from customvision.v1 import training_service_pb2 as training


def test_a_model_that_nothing_measures_has_no_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """Where no image is held out, no figure is shown as 0 %, neither in the table nor below it."""
    performance = training.IterationPerformance(tags=[training.TagPerformance(tag_name="rose", image_count=7)])
    print_performance(performance)
    shown = capsys.readouterr().out
    assert "%" not in shown
    assert "There are no held-out images: nothing measures this model." in shown
    assert metrics_words(iterations_pb2.IterationMetrics()) == ("-", "-", "-")


def test_a_model_that_is_wrong_throughout_is_told_so() -> None:
    """Figures of 0 % that held-out images prove are shown."""
    metrics = iterations_pb2.IterationMetrics(held_out_image_count=4, precision=0.5)
    assert metrics_words(metrics) == ("50.0%", "0.0%", "0.0%")
