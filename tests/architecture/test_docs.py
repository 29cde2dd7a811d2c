"""The documentation says what there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route
from typer.core import TyperGroup
from typer.main import get_command

from customvision.cli.__main__ import app
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.gateway.application import open_application

ROOT = Path(__file__).parents[2]
DOCS = sorted(path for path in ROOT.rglob("*.md") if not {"node_modules", ".venv"} & set(path.parts))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def commands(group: TyperGroup, prefix: str = "customvision") -> Iterator[str]:
    """Yields every command of the command line as it is typed."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


def test_every_command_is_documented() -> None:
    """Each command of the command line stands in docs/command-line.md."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    text = (ROOT / "docs" / "command-line.md").read_text()
    missing = [command for command in commands(group) if command not in text]
    assert not missing


def test_every_setting_is_documented() -> None:
    """Each environment variable that the code reads stands in docs/operations.md."""
    sources = [*ROOT.glob("services/**/*.py"), *ROOT.glob("clients/python/**/*.py")]
    # Set by the supervisor for its children; nobody else does.
    internal = {"CUSTOMVISION_SUPERVISED"}
    found = {name for path in sources for name in re.findall(r"CUSTOMVISION_[A-Z][A-Z_]*[A-Z]", path.read_text())}
    text = (ROOT / "docs" / "operations.md").read_text()
    assert not sorted(name for name in found - internal if f"`{name}`" not in text)


async def test_every_route_is_documented(settings: Settings, keys: Keys) -> None:
    """The first word of each HTTP route stands in docs/operations.md; the API's own are what /openapi.json is about."""
    text = (ROOT / "docs" / "operations.md").read_text()
    async with open_application(settings, keys) as application:
        paths = [route.path for route in application.routes if isinstance(route, Route)]
    words = {path.split("/")[1] for path in paths} - {"customvision"}
    assert {"healthz", "docs", "blobs"} <= words
    assert not [word for word in words if f"/{word}" not in text]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    """Each relative link of a page leads to a file, and to a heading where it names one."""
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in headings(target), link


def headings(page: Path) -> set[str]:
    """Returns the anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
