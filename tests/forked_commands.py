"""Commands in processes of their own that need not load the command line's libraries, which takes most of the time."""

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

TEMPLATE = Path(__file__).with_name("command_template.py")


def run_forked(
    arguments: Sequence[str], environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Runs ``customvision`` as ``subprocess.run`` would, warnings being errors; without anything to read.

    What Python itself reads from the environment at its start (PYTHON…) is that of this process. Raises TimeoutExpired,
    having killed the command.
    """
    request = {"arguments": [*arguments], "environment": dict(environment), "folder": str(Path.cwd())}
    with ExitStack() as stack:
        output, notes = (stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(2))
        reading, writing = os.pipe()
        reply = stack.enter_context(os.fdopen(reading, "rb", buffering=0))
        with os.fdopen(writing, "wb") as ours:
            content = json.dumps(request).encode()
            socket.send_fds(_template(), [content], [output.fileno(), notes.fileno(), ours.fileno()])
        process = int(reply.readline())
        if not select.select([reply], [], [], seconds)[0]:
            os.kill(process, signal.SIGKILL)
            reply.read()
            raise subprocess.TimeoutExpired(["customvision", *arguments], seconds)
        exit_code = int(reply.read())
        output.seek(0)
        notes.seek(0)
        return subprocess.CompletedProcess(["customvision", *arguments], exit_code, output.read(), notes.read())


@functools.cache
def _template() -> socket.socket:
    """Returns what requests are sent into; the process on its other side begins at the first and ends with ours."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        descriptor = theirs.fileno()
        process = subprocess.Popen(
            [sys.executable, "-W", "error", TEMPLATE, str(descriptor)],
            env={**os.environ, "GRPC_VERBOSITY": "NONE"},
            stdout=subprocess.DEVNULL,
            pass_fds=[descriptor],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
