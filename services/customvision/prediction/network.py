"""A backbone that models rest on, whether its compiled form is in memory or not."""

import asyncio

from customvision.vision.trunk import Stem, Trunk


class Network:
    """Belongs to one event loop, but for ``trunk``, which threads read.

    ``trunk`` is None until it was loaded, and while a fine-tuned one made room for others. ``memory_bytes`` is an
    estimate of what it holds for itself alone, from when it was loaded first. ``stem`` is kept while models rest on
    the network, for its tail to come back sooner.

    The rest is Residency's: how many callers compute with it and how many wait for it to be loaded, the load that they
    wait for, and whether it goes as soon as nobody computes with it.
    """

    __slots__ = (
        "__weakref__",
        "computing",
        "fine_tuned",
        "leaving",
        "loaded",
        "memory_bytes",
        "sha256",
        "stem",
        "trunk",
        "waiting",
    )

    def __init__(self, sha256: str, *, fine_tuned: bool = False, trunk: Trunk | None = None) -> None:
        """A network that is not ``fine_tuned`` is there for every project, and stays in memory."""
        self.sha256 = sha256
        self.fine_tuned = fine_tuned
        self.trunk = trunk
        self.stem: Stem | None = None
        self.memory_bytes = 0
        self.computing = 0
        self.waiting = 0
        self.leaving = False
        self.loaded: asyncio.Future[None] | None = None

    @property
    def resident(self) -> bool:
        """True where it is in memory and can compute at once."""
        return self.trunk is not None

    @property
    def own_bytes(self) -> int:
        """What it holds now that no other network shares; 0 for one that is there for every project."""
        return self.memory_bytes if self.fine_tuned and self.resident else 0
