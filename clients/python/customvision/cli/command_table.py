"""Which commands there are, and where each is; a command is imported when it is looked at."""

import functools
import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, cast

import typer
import typer.main
from typer.core import TyperGroup

# By name, in the order in which help lists them; the modules are those of `commands`.
MODULES = {
    "up": "suite",
    "serve": "suite",
    "keys": "suite",
    "train": "train",
    "import-azure": "import_azure",
    "predict": "predict",
    "runs": "runs",
    "watch": "runs",
    "cancel": "runs",
    "models": "models",
    "export": "export",
    "backbone": "backbone",
    "retrain": "backbone",
    "domains": "domains",
    "projects": "projects",
    "tags": "tags",
    "images": "images",
    "iterations": "iterations",
}


class CommandTable(Mapping[str, Any]):
    """All commands by name. Those that nobody looks at are not imported."""

    def __getitem__(self, name: str) -> Any:
        return _commands_of(MODULES[name])[name]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


class LazyGroup(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("MutableMapping[str, Any]", CommandTable())

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the base class passes it
        """Returns the names, without importing what they name."""
        return list(MODULES)


@functools.cache
def _commands_of(module: str) -> Mapping[str, Any]:
    part = typer.Typer()
    importlib.import_module(f"customvision.cli.commands.{module}").register(part)
    return typer.main.get_group(part).commands
