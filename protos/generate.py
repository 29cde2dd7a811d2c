"""Generates the Python stubs beside the protos, or checks that the committed ones are current."""

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent
PACKAGE = ROOT / "customvision" / "v1"
SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")


def generate(target: Path) -> None:
    """Writes the stubs of every proto below ``target``; those of files without a service hold messages only."""
    protos = sorted(PACKAGE.glob("*.proto"))
    services = [proto for proto in protos if proto.stem.endswith("_service")]
    _protoc(protos, f"--python_out={target}", f"--mypy_out=quiet:{target}")
    _protoc(services, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}")


def _protoc(protos: list[Path], *outputs: str) -> None:
    # The plugins of mypy-protobuf lie beside the interpreter.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    arguments = [str(proto.relative_to(ROOT)) for proto in protos]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", *outputs, *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own arguments


def stubs(folder: Path) -> dict[str, Path]:
    """Returns the generated files of ``folder`` by name."""
    return {path.name: path for path in folder.iterdir() if path.name.endswith(SUFFIXES)}


def differences() -> list[str]:
    """Returns the names of stubs that are missing, left over, or not what the protos give."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh, committed = stubs(Path(folder) / "customvision" / "v1"), stubs(PACKAGE)
        return sorted(
            name
            for name in fresh.keys() | committed.keys()
            if name not in fresh
            or name not in committed
            or not filecmp.cmp(fresh[name], committed[name], shallow=False)
        )


def main() -> None:
    """Generates; with ``--check`` compares instead and exits with 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed stubs, change nothing")
    if not parser.parse_args().check:
        for path in stubs(PACKAGE).values():
            path.unlink()
        generate(ROOT)
        return
    if different := differences():
        sys.exit(f"Not current: {', '.join(different)}. Run `make protos` and commit the result.")


if __name__ == "__main__":
    main()
