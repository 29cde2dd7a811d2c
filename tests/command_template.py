"""A process that has loaded the libraries of the command line, but nothing of ours, and forks into its commands.

Each of them is a process of its own, with the environment, the folder and the files that were sent with it.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

LIBRARIES = (
    "asyncio", "google.protobuf.duration_pb2", "google.protobuf.empty_pb2", "google.protobuf.internal.builder",
    "google.protobuf.timestamp_pb2", "google.rpc.error_details_pb2", "google.rpc.status_pb2", "grpc", "grpc.aio",
    "grpc.experimental", "httpx", "pydantic.main", "pydantic.plugin", "rich.console", "rich.progress", "rich.table",
    "typer", "typer._adapters",
)  # fmt: skip
REQUEST_BYTES = 1 << 18


def main(control: socket.socket) -> None:
    """Forks for every request until the other side is gone; tells in its last file how each command ended."""
    # What lies beside this file is not there for commands.
    sys.path.remove(str(Path(__file__).parent))
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    replies: dict[int, int] = {}

    def tell_ends(*_: object) -> None:
        while replies and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with os.fdopen(replies.pop(ended[0]), "wb") as reply:
                reply.write(b"%d" % os.waitstatus_to_exitcode(ended[1]))

    signal.signal(signal.SIGCHLD, tell_ends)
    while (received := socket.recv_fds(control, REQUEST_BYTES, 3))[0]:
        output, notes, reply = received[1]
        # None is told to have ended before it is known to have begun.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        process = os.fork()
        if process == 0:
            control.close()
            become(json.loads(received[0]), output, notes)
        replies[process] = reply
        os.write(reply, b"%d\n" % process)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        os.close(output)
        os.close(notes)


def become(request: dict[str, Any], output: int, notes: int) -> None:
    """Runs the command that ``request`` describes, and ends as it does."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    for target, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), output, notes)):
        os.dup2(descriptor, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["customvision", *request["arguments"]]
    importlib.import_module("customvision.cli.__main__").main()
    sys.exit()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        main(requests)
