"""A full disk, as the service itself finds it when it writes files."""

import contextlib
import errno
from collections.abc import Iterator

from customvision.common.errors import StorageFull


@contextlib.contextmanager
def full_disk_told() -> Iterator[None]:
    """Raises StorageFull where what is inside finds the disk full."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise
