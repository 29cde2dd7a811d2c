"""Counts the bytes that a process copies from memory to memory: by a library that is preloaded into it."""

import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("counted_copies.c")
# The compiler must neither vectorise a loop into the very function that it defines nor know that one by name.
FLAGS = ("-O2", "-ftree-vectorize", "-fno-builtin", "-fno-tree-loop-distribute-patterns", "-shared", "-fPIC")
COUNTER_BYTES = 8


class CopiesUncounted(Exception):
    """There is no compiler, or it cannot make the library; the message says which."""


class CopyCounter:
    """Give ``environment`` to a process, then read what it has copied so far.

    Counted is what goes through memcpy, memmove and mempcpy of the C library; what a compiler put in their place, as
    it does for a few bytes, and what the kernel copies from and to sockets is not.
    """

    def __init__(self, folder: Path) -> None:
        """Builds the library in ``folder``. Raises CopiesUncounted."""
        compiler = shutil.which("cc")
        if compiler is None:
            raise CopiesUncounted("needs a C compiler named cc")
        library = folder / "counted_copies.so"
        built = subprocess.run(  # noqa: S603 - our own source
            [compiler, *FLAGS, "-o", str(library), str(SOURCE)], capture_output=True, text=True, check=False
        )
        if built.returncode:
            raise CopiesUncounted(f"cc could not build it: {built.stderr.strip()[:200]}")
        self._file = folder / "copied-bytes"
        self._file.write_bytes(bytes(COUNTER_BYTES))
        self.environment = {"LD_PRELOAD": str(library), "COPIED_BYTES_FILE": str(self._file)}

    @property
    def copied(self) -> int:
        """The bytes copied so far by all processes with ``environment``."""
        return int.from_bytes(self._file.read_bytes(), "little")

    def within(self, environment: dict[str, str] | None = None) -> dict[str, str]:
        """Returns an environment, this process's own where none is given, in which copies are counted."""
        return {**(dict(os.environ) if environment is None else environment), **self.environment}
