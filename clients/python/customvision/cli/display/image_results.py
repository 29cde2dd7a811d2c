"""What a model answers to images whose tags are known, image by image."""

from collections.abc import Sequence

from customvision.cli.display.console import counted, output, printable
from customvision.cli.display.tables import print_table
from customvision.v1 import stored_predictions_pb2, training_service_pb2

LISTED = 20


def print_results(results: Sequence[training_service_pb2.ImageResult], *, threshold: float | None, empty: str) -> None:
    """Prints a line per image: its tags, the answer, each with its probability, and whether the answer is right.

    The answer is the likeliest tag or, where an image may have several, all tags from ``threshold`` on.
    """
    print_table(
        ["id", "tags", "answer", "right"],
        [
            (result.image_id, _tags(result), _answer(result, threshold), "yes" if result.right else "no")
            for result in results
        ],
        empty=empty,
    )


def print_comparison(comparison: training_service_pb2.IterationComparison, name: str, other_name: str) -> None:
    """Prints both sides' figures, the images on which they differ, and what that proves."""
    sides = (comparison.metrics, comparison.other_metrics)
    print_table(
        ["", printable(name), printable(other_name), "difference"],
        [
            (figure.replace("_", " "), f"{ours:.1%}", f"{theirs:.1%}", f"{ours - theirs:+.1%}")
            for figure in ("accuracy", "precision", "recall", "average_precision")
            for ours, theirs in [[getattr(side, figure) for side in sides]]
        ],
        empty="",
    )
    output.print(f"Measured on {counted(comparison.image_count, 'image')} held out of both.")
    _print_ids(f"only '{printable(name)}' is right on", comparison.improved_image_ids)
    _print_ids(f"only '{printable(other_name)}' is right on", comparison.worsened_image_ids)
    output.print(_verdict(comparison, name, other_name))


def _verdict(comparison: training_service_pb2.IterationComparison, name: str, other_name: str) -> str:
    improved, worsened = len(comparison.improved_image_ids), len(comparison.worsened_image_ids)
    if not improved + worsened:
        return "Both are right on the same images."
    chance = comparison.chance_probability
    told = f"Equally good models differ as much with a probability of {chance:.1%}"
    if chance > 0.05:
        return f"{told}: the difference proves nothing."
    return f"{told}: '{printable(name if improved > worsened else other_name)}' is better."


def _print_ids(sentence: str, image_ids: Sequence[str]) -> None:
    output.print(f"{sentence} {counted(len(image_ids), 'image')}")
    for image_id in image_ids[:LISTED]:
        output.print(f"  {printable(image_id)}", soft_wrap=True)
    if len(image_ids) > LISTED:
        output.print(f"  … and {len(image_ids) - LISTED} more; --json lists all.")


def _tags(result: training_service_pb2.ImageResult) -> str:
    known = {prediction.tag_id: _with_probability(prediction) for prediction in result.predictions}
    return ", ".join(known.get(tag_id, tag_id) for tag_id in result.tag_ids)


def _answer(result: training_service_pb2.ImageResult, threshold: float | None) -> str:
    if threshold is None:
        return _with_probability(result.predictions[0])
    return ", ".join(_with_probability(tag) for tag in result.predictions if tag.probability >= threshold)


def _with_probability(tag: stored_predictions_pb2.TagProbability) -> str:
    return f"{tag.tag_name} {tag.probability:.1%}"
