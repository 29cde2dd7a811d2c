"""The page's scripts, held against the types that their comments name."""

from pathlib import Path

import pytest

from typescript.package import npm

CONFIGURATION = Path(__file__).with_name("page.tsconfig.json")


@pytest.mark.usefixtures("package")
def test_the_scripts_of_the_page_are_typed() -> None:
    """TypeScript finds no error in them, unused names included, though browsers run them as they are."""
    checked = npm("exec", "--", "tsc", "--project", str(CONFIGURATION))
    assert checked.returncode == 0, checked.stdout + checked.stderr
