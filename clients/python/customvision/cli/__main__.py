"""The command line: which commands there are, and how it ends."""

import os
import sys

import typer

from customvision.cli import failures
from customvision.cli.commands import (
    backbone,
    domains,
    evaluation,
    export,
    images,
    import_azure,
    iterations,
    models,
    predict,
    projects,
    runs,
    suite,
    tags,
    train,
)

app = typer.Typer(
    name="customvision",
    help="Build, deploy and improve custom image classifiers on your own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
for module in (suite, train, import_azure, predict, runs, models, export, backbone, domains):
    module.register(app)
app.add_typer(projects.app, name="projects")
app.add_typer(tags.app, name="tags")
app.add_typer(images.app, name="images")
app.add_typer(iterations.app, name="iterations")
evaluation.register(iterations.app)


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
