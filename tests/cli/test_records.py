"""Messages as records for programs."""

from customvision.cli.display.tables import record
from customvision.v1 import images_pb2, suggestions_pb2


def test_maps_become_objects() -> None:
    """Pairs of a map are named by their keys, in order, and empty where there are none."""
    image = images_pb2.Image(image_id="i", metadata={"split": "test", "day": "monday"})
    assert list(record(image)["metadata"].items()) == [("day", "monday"), ("split", "test")]
    assert record(images_pb2.Image())["metadata"] == {}
    assert record(suggestions_pb2.CountSuggestionsResponse(counts={"tag": 3})) == {"counts": {"tag": 3}}


def test_messages_within_are_records_too() -> None:
    """Tags of an image have their names, and an unset time is null."""
    image = images_pb2.Image(tags=[images_pb2.ImageTag(tag_id="t", tag_name="rose")])
    assert record(image)["tags"] == [{"tag_id": "t", "tag_name": "rose", "create_time": None}]
