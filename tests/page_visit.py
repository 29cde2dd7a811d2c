"""A browser's visit to the page, in which nothing may go wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, expect

from customvision.common.keys import Keys
from customvision.common.sign_in import sign_in_links

# Far more than the page needs, for a machine that is busy with other tests.
PATIENCE_MILLISECONDS = 30_000


class Visit:
    """A page in the browser, and everything that went wrong or left the server on it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self._told: list[str] = []
        self._expected: tuple[str, ...] = ()
        page.on("pageerror", lambda error: self._told.append(str(error)))
        page.on("console", lambda said: self._told.append(said.text) if said.type in ("error", "warning") else None)
        page.on("dialog", lambda dialog: self._told.append(dialog.message))
        page.on(
            "request",
            # What the page itself made, of a file that it was given, is no other host's.
            lambda request: (
                None if request.url.removeprefix("blob:").startswith(address) else self._told.append(request.url)
            ),
        )

    def expect_told(self, *parts: str) -> None:
        """Says that the browser may tell of what holds one of these texts, for the test makes it happen."""
        self._expected += parts

    @property
    def problems(self) -> list[str]:
        """What was told so far and not expected."""
        return [told for told in self._told if not any(part in told for part in self._expected)]


@asynccontextmanager
async def visiting(browser: Browser, address: str) -> AsyncIterator[Visit]:
    """A browser on the server at ``address``; nothing may have gone wrong on the page at the end."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    context = await browser.new_context(base_url=address)
    visit = Visit(await context.new_page(), address)
    try:
        yield visit
    finally:
        await context.close()
    assert not visit.problems, visit.problems


async def open_signed_in(page: Page, keys: Keys, path: str = "/") -> None:
    """Opens a path after signing in with a link."""
    await page.goto(f"/sign-in?next={path}#{sign_in_links(keys).make(60)}")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
