"""docs/azure.md tells every operation and every code of an error that there is."""

import re
from pathlib import Path

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.gateway.application import open_application

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "azure.md").read_text()
CODE = re.compile(r'"((?:BadRequest|Unauthorized|Forbidden|NotFound|Conflict|Error(?:Prediction|Unknown))\w*)"')


async def test_every_operation_has_a_row(settings: Settings, keys: Keys) -> None:
    """The tables have the 52 and 8 operations of the API, all of which the gateway serves."""
    rows = re.findall(r"^\| `(\w+)` \| (works|refused) \|", TEXT, re.MULTILINE)
    assert len(rows) == len(dict(rows)) == 60
    async with open_application(settings, keys) as application:
        paths = application.openapi()["paths"]
    served = {operation["operationId"] for path in paths.values() for operation in path.values()}
    assert {name for name, _ in rows} <= served
    assert {name for name, state in rows if state == "refused"} == {
        name for name in served if name.startswith("Detect") or ("Region" in name and name != "SuggestTagsAndRegions")
    }


def test_every_code_has_a_row() -> None:
    """Each code that the gateway's source names stands in the table of codes, and no other does."""
    table = TEXT.partition("## Codes of errors")[2]
    documented = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    sources = (ROOT / "services" / "customvision" / "gateway").rglob("*.py")
    named = {code for path in sources for code in CODE.findall(path.read_text())}
    assert documented == named
