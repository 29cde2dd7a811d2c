"""``up``, ``serve``, ``keys``: the suite on this machine."""

import enum
import os
import sys
from typing import Annotated, NoReturn

import typer

from customvision.cli.display.console import output
from customvision.cli.display.tables import print_fields, print_json
from customvision.cli.failures import Failure
from customvision.cli.options import JsonOption


class Service(enum.StrEnum):
    """A service that runs alone."""

    PROJECT = "project"
    TRAINING = "training"
    PREDICTION = "prediction"
    GATEWAY = "gateway"


def register(app: typer.Typer) -> None:
    """Adds the commands to ``app``."""
    app.command()(up)
    app.command()(serve)
    app.command()(keys)


def up() -> None:
    """Start the whole suite and keep it running until Ctrl-C."""
    _become("customvision.suite")


def serve(
    service: Annotated[Service, typer.Argument(help="The service to run.", show_default=False)],
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many processes answer predictions at one address; CUSTOMVISION_PREDICTION_WORKERS, else 1.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run one service alone, so that services can live on different machines."""
    if workers is not None:
        if service is not Service.PREDICTION:
            raise typer.BadParameter("only the prediction service has workers.", param_hint="--workers")
        os.environ["CUSTOMVISION_PREDICTION_WORKERS"] = str(workers)
    _become(f"customvision.{service.value}")


def keys(as_json: JsonOption = False) -> None:
    """Show the keys of the suite on this machine and the file that holds them."""
    from customvision.client.settings import keys_file, read_keys_file

    path = keys_file()
    found = read_keys_file(path)
    if not found:
        raise Failure(f"There are no keys yet in {path}. They are made when the suite starts first: `customvision up`.")
    if as_json:
        print_json({**found, "file": str(path)})
        return
    print_fields([("training-key", found["training_key"]), ("prediction-key", found["prediction_key"]), ("file", path)])
    output.print("The training key opens everything, the prediction key predictions only. Keep both secret.")


def _become(module: str) -> NoReturn:
    # Replacing this process leaves signals and exit code to the service itself; -P keeps it from importing what
    # happens to lie in the current folder.
    os.execv(sys.executable, [sys.executable, "-P", "-m", module])  # noqa: S606 - no shell is wanted
