"""The TypeScript package, installed and built once, and a way to run programs that use it."""

import asyncio
import fcntl
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from typescript.package import PACKAGE, RunNode, npm

OLDEST_NODE = 20
# npm writes the one when all else is there; the other is written here.
INSTALLED, BUILT = PACKAGE / "node_modules" / ".package-lock.json", PACKAGE / "dist" / ".built"
NO_REGISTRY = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENOTCACHED", "ENETUNREACH")


@pytest.fixture(scope="session")
def package() -> Path:
    """The package's folder with everything that its lock names; skips where Node or a registry is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are needed to test the TypeScript client")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node {OLDEST_NODE} or newer is needed to test the TypeScript client; this is {version.strip()}")
    with _alone():
        if _older(INSTALLED, PACKAGE / "package-lock.json"):
            installed = npm("ci", "--prefer-offline")
            if installed.returncode != 0 and any(sign in installed.stderr for sign in NO_REGISTRY):
                pytest.skip("no npm registry can be reached to install what the TypeScript client needs")
            assert installed.returncode == 0, installed.stderr
    return PACKAGE


@pytest.fixture(scope="session")
def built_package(package: Path) -> Path:
    """The package's folder, type-checked and compiled."""
    with _alone():
        sources = [INSTALLED, *(package / name for name in ("package.json", "tsconfig.json"))]
        sources += [file for folder in ("src", "examples") for file in (package / folder).rglob("*.ts")]
        if any(_older(BUILT, source) for source in sources):
            BUILT.unlink(missing_ok=True)
            built = npm("run", "build")
            assert built.returncode == 0, built.stdout + built.stderr
            BUILT.touch()
    return package


@contextmanager
def _alone() -> Iterator[None]:
    """Keeps tests in other processes from installing and building in the same folder meanwhile."""
    with (PACKAGE / "package.json").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _older(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime_ns < source.stat().st_mtime_ns


@pytest.fixture
def run_node(built_package: Path) -> RunNode:
    """Runs a compiled program with settings of the suite in its environment; it is dead when the block ends."""

    @asynccontextmanager
    async def run(program: Path, *arguments: str, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMVISION_")}
        process = await asyncio.create_subprocess_exec(
            "node", str(program), *arguments, env=environment | settings, cwd=built_package,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    return run
