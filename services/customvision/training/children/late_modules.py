"""Modules that a library asks for at its start and hardly ever uses."""

import importlib
import sys
from types import ModuleType
from typing import Any


def load_late(name: str) -> None:
    """Has the module of that name loaded when something of it is first used, whoever imports it before."""
    if name in sys.modules:
        return
    stand_in = ModuleType(name)

    def load(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    stand_in.__dict__["__getattr__"] = load
    sys.modules[name] = stand_in
    package, _, last = name.rpartition(".")
    if package:
        setattr(importlib.import_module(package), last, stand_in)
