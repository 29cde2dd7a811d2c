"""Who may call what: keys in call metadata, compared by hash and in constant time."""

import enum
import hashlib
import hmac
from collections.abc import Iterable

from customvision.common.errors import PermissionDenied, Unauthenticated
from customvision.common.keys import Keys

TRAINING_KEY_HEADER = "training-key"
PREDICTION_KEY_HEADER = "prediction-key"


class Role(enum.Enum):
    """What a key stands for."""

    TRAINING = "training"
    PREDICTION = "prediction"


class MissingKey(Unauthenticated):
    """The call carries no key."""

    reason = "KEY_MISSING"


class WrongKey(Unauthenticated):
    """The call carries a key that is not one of ours."""

    reason = "KEY_WRONG"


class KeyNotSufficient(PermissionDenied):
    """The call carries the prediction key and needs the training key."""

    reason = "KEY_NOT_SUFFICIENT"


class KeyRing:
    """The hashes of the suite's keys. Holds no key itself."""

    def __init__(self, keys: Keys) -> None:
        self._roles = {_digest(keys.training_key): Role.TRAINING, _digest(keys.prediction_key): Role.PREDICTION}

    def authenticate(self, metadata: Iterable[tuple[str, str | bytes]], allowed: frozenset[Role]) -> Role:
        """Returns the role of the key in ``metadata``, whichever of the two headers holds it; of two, training.

        Raises MissingKey, WrongKey, or KeyNotSufficient where the role is not ``allowed``.
        """
        presented = [value for name, value in metadata if name in (TRAINING_KEY_HEADER, PREDICTION_KEY_HEADER)]
        if not presented:
            raise MissingKey(
                "This call needs a key: send it as 'training-key' or 'prediction-key' metadata. "
                "`customvision keys` shows the keys of this machine."
            )
        roles = {role for value in presented if (role := self._role_of(value)) is not None}
        if not roles:
            raise WrongKey("The key is not valid here. `customvision keys` shows the keys of this machine.")
        permitted = roles & allowed
        if not permitted:
            raise KeyNotSufficient("The prediction key does not open this call; send the training key.")
        return Role.TRAINING if Role.TRAINING in permitted else Role.PREDICTION

    def _role_of(self, value: str | bytes) -> Role | None:
        presented = _digest(value)
        matches = [role for known, role in self._roles.items() if hmac.compare_digest(known, presented)]
        return matches[0] if matches else None


def _digest(key: str | bytes) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key).digest()
