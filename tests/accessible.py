"""What keeps people with a screen reader or a keyboard from using a page, as axe-core finds it."""

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

# axe-core's own words; what is left are hints.
GRAVE = frozenset({"moderate", "serious", "critical"})


async def findings(page: Page) -> list[str]:
    """Returns the page's grave findings, a line for each: the rule and the elements that break it."""
    results = await Axe().run(page)
    violations: list[dict[str, Any]] = results.response["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: "
        + "; ".join(f"{node['html'][:160]} {node['failureSummary']}" for node in violation["nodes"][:3])
        for violation in violations
        if violation["impact"] in GRAVE
    ]
