"""What `customvision up` says to the person who started it."""

import re
import sys

from customvision.common.keys import FILE_NAME, Keys
from customvision.common.settings import Settings
from customvision.common.sign_in import sign_in_link


def say_starting(settings: Settings) -> None:
    """Says what is being started and where its data is."""
    _say(f"Custom Vision is starting; its data is in {settings.home}")


def say_ready(settings: Settings, keys: Keys, *, keys_are_new: bool) -> None:
    """Says where the services are and what to do next; shows keys that were made just now."""
    _say(
        "Custom Vision is ready.",
        f"  project     {settings.project_address}",
        f"  training    {settings.training_address}",
        f"  prediction  {settings.prediction_address}",
        f"  HTTP        http://{settings.http_address}",
    )
    if keys_are_new:
        _say(
            "",
            "Keys were made. This is the only time they are shown here:",
            f"  training key    {keys.training_key}",
            f"  prediction key  {keys.prediction_key}",
            f"They are kept in {settings.home / FILE_NAME}; commands on this machine find them there by themselves.",
        )
    _say("", *_page_words(_host_to_open(settings.http_address), keys))
    _say(
        "",
        "Next, in another terminal: train on a folder that has one sub-folder of photos per class:",
        "  .venv/bin/customvision train FOLDER",
        "Ctrl-C here stops everything.",
    )


def say_stopping() -> None:
    """Says that the suite lets running calls finish."""
    _say("", "Stopping; running calls may finish.")


def _page_words(host: str, keys: Keys) -> list[str]:
    # A log is read by others, and kept.
    if not sys.stdout.isatty():
        return [f"In a browser: http://{host}/"]
    return ["In a browser, this link signs in, for a day:", f"  {sign_in_link(host, keys)}"]


def _host_to_open(address: str) -> str:
    """Returns an address with its port as a browser on this machine takes it: none listens on all of them."""
    return re.sub(r"^(0\.0\.0\.0|\[::\])(?=:)", "127.0.0.1", address)


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
