"""Who asks, and how long the answer is wanted."""

from dataclasses import dataclass

from customvision.common.authentication import KeyNotSufficient, Role


@dataclass(frozen=True)
class Caller:
    """A call's key, and the moment until which its answer is wanted: by time.monotonic, None for no limit."""

    role: Role
    deadline: float | None = None

    def require_training_key(self) -> None:
        """Raises KeyNotSufficient where the call carries the prediction key only."""
        if self.role is not Role.TRAINING:
            raise KeyNotSufficient("The prediction key does not open this call; send the training key.")
