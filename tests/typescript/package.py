"""The folder of the TypeScript package, npm in it, and programs that use it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "clients" / "typescript"
EXAMPLE = PACKAGE / "dist" / "examples" / "follow-and-predict.js"
PROGRAMS = Path(__file__).parent / "programs"

RunNode = Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]


def npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs npm in the package and returns what came of it."""
    environment = os.environ | {"PYTHON": sys.executable, "NO_COLOR": "1"}
    return subprocess.run(
        ["npm", *arguments], cwd=PACKAGE, env=environment, capture_output=True, text=True, check=False
    )
