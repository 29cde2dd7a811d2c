"""A browser's visit to the page, in which nothing may go wrong."""

from playwright.async_api import Page, expect

from customvision.common.keys import Keys
from customvision.common.sign_in import sign_in_links


class Visit:
    """A page in the browser, and everything that went wrong or left the server on it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda said: self.problems.append(said.text) if said.type in ("error", "warning") else None)
        page.on("dialog", lambda dialog: self.problems.append(dialog.message))
        page.on(
            "request",
            # What the page itself made, of a file that it was given, is no other host's.
            lambda request: (
                None if request.url.removeprefix("blob:").startswith(address) else self.problems.append(request.url)
            ),
        )


async def open_signed_in(page: Page, keys: Keys, path: str = "/") -> None:
    """Opens a path after signing in with a link."""
    await page.goto(f"/sign-in?next={path}#{sign_in_links(keys).make(60)}")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
