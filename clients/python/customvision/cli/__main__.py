"""The command line: which commands there are, and how it ends."""

import os
import sys

import typer

from customvision.cli import failures
from customvision.cli.command_table import LazyGroup

app = typer.Typer(name="customvision", cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def customvision() -> None:
    """Build, deploy and improve custom image classifiers on your own machine."""


def main() -> None:
    """Runs the command line and exits: 0, 1 where something failed, 2 for wrong usage, 130 for Ctrl-C."""
    # gRPC's own log lines would cut through bars and tables.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its number instead.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        app()
    except BrokenPipeError:
        _leave_quietly()
    except Exception as error:  # noqa: BLE001 - nobody should meet a traceback
        failures.end_with(error)


def _leave_quietly() -> None:
    # What reads our output is gone; Python would complain when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(failures.EXIT_FAILED)


if __name__ == "__main__":
    main()
