"""What `customvision up` says to the person who started it."""

import sys

from customvision.common.keys import FILE_NAME, Keys
from customvision.common.settings import Settings


def say_starting(settings: Settings) -> None:
    """Says what is being started and where its data is."""
    _say(f"Custom Vision is starting; its data is in {settings.home}")


def say_ready(settings: Settings, new_keys: Keys | None) -> None:
    """Says where the services are and what to do next; shows keys that were made just now."""
    _say(
        "Custom Vision is ready.",
        f"  project     {settings.project_address}",
        f"  training    {settings.training_address}",
        f"  prediction  {settings.prediction_address}",
        f"  HTTP        http://{settings.http_address}",
    )
    if new_keys is not None:
        _say(
            "",
            "Keys were made. This is the only time they are shown here:",
            f"  training key    {new_keys.training_key}",
            f"  prediction key  {new_keys.prediction_key}",
            f"They are kept in {settings.home / FILE_NAME}; commands on this machine find them there by themselves.",
        )
    _say(
        "",
        "Next, in another terminal: train on a folder that has one sub-folder of photos per class:",
        "  .venv/bin/customvision train FOLDER",
        "Ctrl-C here stops everything.",
    )


def say_stopping() -> None:
    """Says that the suite lets running calls finish."""
    _say("", "Stopping; running calls may finish.")


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
