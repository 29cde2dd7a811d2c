"""An image that was stored, as those are told who follow what comes in."""

from dataclasses import dataclass

from customvision.common.errors import InvalidArgument


@dataclass(frozen=True)
class ImageArrival:
    """An image of the current data set; ``sequence`` orders the images of all projects by creation."""

    sequence: int
    project_id: str
    domain_id: str
    image_id: str
    content_sha256: str


class SequenceInvalid(InvalidArgument):
    """A watch asks to go on after a negative sequence."""

    reason = "SEQUENCE_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "after_sequence is negative; send the sequence of the last image seen, or 0 for all.",
            field="after_sequence",
        )
