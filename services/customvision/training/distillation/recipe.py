"""What a distillation does: everything that its outcome depends on, beside photos and teacher."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """``width`` and ``input_size`` are the student's; it trains on ``lessons`` of ``crops`` crops, each seen ``passes``
    times in batches of ``batch``. The crops grow with the lessons: ``sizes`` in pixels, in equal shares of them.
    """

    width: float = 0.5
    input_size: int = 160
    sizes: tuple[int, ...] = (64, 64, 96, 96, 128)
    lessons: int = 32
    crops: int = 4096
    passes: int = 6
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    seed: int = 0

    @property
    def steps_per_lesson(self) -> int:
        """How many batches a lesson is."""
        return self.crops // self.batch * self.passes

    @property
    def plain_crops(self) -> int:
        """How many plain crops the teacher's spread and the final statistics are measured on."""
        return min(self.crops, 2048)

    @property
    def photos_viewed(self) -> int:
        """Of how many photos, each in several views, the nuisances are measured in the end."""
        return min(self.crops, 1536)

    def size_of(self, lesson: int) -> int:
        """Returns the side in pixels of what the student sees in that lesson, counted from 0."""
        return self.sizes[lesson * len(self.sizes) // self.lessons]

    def to_record(self) -> dict[str, Any]:
        """Returns the fields as what JSON can hold."""
        return {**asdict(self), "sizes": list(self.sizes)}
