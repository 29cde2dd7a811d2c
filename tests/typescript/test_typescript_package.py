"""What is committed of the TypeScript package: current, and free of addresses."""

import filecmp
import json
from pathlib import Path

from typescript.package import PACKAGE, npm


def test_generated_sources_are_current(package: Path, tmp_path: Path) -> None:
    """The committed sources are what the protos give today."""
    fresh = tmp_path / "generated"
    generated = npm("run", "generate", "--", str(fresh))
    assert generated.returncode == 0, generated.stderr
    committed = package / "src" / "generated"
    names = {path.relative_to(fresh) for path in fresh.rglob("*.ts")}
    assert names == {path.relative_to(committed) for path in committed.rglob("*.ts")}
    stale = [str(name) for name in sorted(names) if not filecmp.cmp(fresh / name, committed / name, shallow=False)]
    assert not stale, "run `npm run generate` in clients/typescript and commit the result"


def test_versions_are_exact_and_locked_without_addresses() -> None:
    """Everyone installs the same bytes, from the registry that they themselves have set."""
    manifest = json.loads((PACKAGE / "package.json").read_text())
    versions = [*manifest["dependencies"].values(), *manifest["devDependencies"].values()]
    assert all(version[0].isdigit() for version in versions)
    lock = (PACKAGE / "package-lock.json").read_text()
    assert "://" not in lock, "write the lock with `npm run lock`"
    locked = {name: entry for name, entry in json.loads(lock)["packages"].items() if name}
    assert [name for name, entry in locked.items() if "integrity" not in entry] == []
