"""What stands for the training key in a browser: links that sign in, and the sessions that they begin."""

import hashlib
import hmac
import time

from customvision.common.keys import Keys

SIGN_IN_PATH = "/sign-in"
LINK_SECONDS = 24 * 3600
SESSION_SECONDS = 30 * 24 * 3600


class SignedTimes:
    """Makes and checks times that were signed for one ``purpose``; a new training key makes all of them worthless."""

    def __init__(self, keys: Keys, purpose: str) -> None:
        self._secret = hmac.new(keys.training_key.encode(), f"customvision {purpose}".encode(), hashlib.sha256).digest()

    def make(self, seconds: float) -> str:
        """Returns a text that ``check`` takes for so many seconds; it holds nothing secret but its signature."""
        expires = int(time.time() + seconds)
        return f"{expires}.{self._signature(expires)}"

    def check(self, text: str) -> bool:
        """Returns whether ``text`` was made here for this purpose and has not expired."""
        expires, _, signature = text.partition(".")
        if not (expires.isascii() and expires.isdecimal() and len(expires) < 12):
            return False
        genuine = hmac.compare_digest(self._signature(int(expires)).encode(), signature.encode("utf-8", "replace"))
        return genuine and time.time() < int(expires)

    def _signature(self, expires: int) -> str:
        return hmac.new(self._secret, str(expires).encode(), hashlib.sha256).hexdigest()


def sign_in_links(keys: Keys) -> SignedTimes:
    """Returns what signs the links that sign in."""
    return SignedTimes(keys, "sign-in")


def sign_in_link(host: str, keys: Keys) -> str:
    """Returns a link to the page on ``host`` (with its port) that signs in for whoever has it, for a day.

    What signs in stands behind '#': browsers send that part to nobody, so that it is in no log.
    """
    return f"http://{host}{SIGN_IN_PATH}#{sign_in_links(keys).make(LINK_SECONDS)}"


def sessions(keys: Keys) -> SignedTimes:
    """Returns what signs the sessions of browsers."""
    return SignedTimes(keys, "session")
