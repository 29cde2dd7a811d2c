"""Recognises a full disk in the many shapes that libraries give it."""

import errno
import os
import sqlite3
from collections.abc import Iterator

DISK_FULL = "The disk ran full while the training worked. Make room, then train again."
_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TEXTS = tuple(os.strerror(number) for number in _NUMBERS)


def is_full_disk(error: BaseException) -> bool:
    """Tells whether ``error``, or one that led to it, says that the disk has no room."""
    return any(_says_so(cause) for cause in _causes(error))


def _says_so(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    # HDF5 and TensorFlow raise errors of their own, with the system's words in them.
    is_number = isinstance(error, OSError) and error.errno in _NUMBERS
    return is_number or any(text in str(error) for text in _TEXTS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__
