"""How the process of an export can end."""

import enum


class Outcome(enum.StrEnum):
    """The kind of its last report. All but ``BUILT`` come with the ``cause`` in a sentence."""

    BUILT = "built"
    DAMAGED = "damaged"
    DIFFERS = "differs"
    NETWORK_UNKNOWN = "network_unknown"
    DISK_FULL = "disk_full"
