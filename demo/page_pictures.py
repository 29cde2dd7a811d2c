"""Takes the pictures of the page that the docs show, on fruit that is drawn for it."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drawing import draw_data_set
from local_suite import LocalSuite
from playwright.sync_api import Page, ViewportSize, sync_playwright
from story import customvision, say

from customvision.common.keys import load_or_create_keys
from customvision.common.sign_in import sign_in_links

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
# Debian's names; the system's own is used, as the tests do.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 780}
# A photo of a screen needs no finer grain than that.
QUALITY = 82
WAIT_MILLISECONDS = 120_000
# Photos are loaded as they come into sight.
PHOTOS_IN_SIGHT = """() => Promise.all(
    [...document.images]
        .filter((image) => image.getBoundingClientRect().top < innerHeight)
        .map((image) => image.decode().catch(() => null)),
)"""


def main() -> int:
    """Writes the pictures into docs/pictures; returns the exit code."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        say("No Chromium is installed here (Debian: apt install chromium).")
        return 1
    with tempfile.TemporaryDirectory(prefix="customvision-pictures-") as name:
        folder = Path(name)
        draw_data_set(folder / "fruit", per_class=30)
        draw_data_set(folder / "unseen", per_class=3, seed=1)
        suite = LocalSuite(folder / "home", CUSTOMVISION_BACKBONE_DOWNLOAD="off")
        suite.start()
        try:
            customvision(suite, "train", folder / "fruit")
            unseen = sorted((folder / "unseen").glob("*/*.jpg"))
            customvision(suite, "predict", *unseen, "--project", "fruit", "--store")
            with signed_in(browser, suite) as page:
                take_all(page, unseen)
        finally:
            suite.stop()
    say(f"The pictures are in {PICTURES.relative_to(Path.cwd())}.")
    return 0


@contextmanager
def signed_in(browser: str, suite: LocalSuite) -> Iterator[Page]:
    """A page of the browser, signed in to the suite."""
    keys, _ = load_or_create_keys(suite.home)
    with sync_playwright() as playwright:
        # As root, Chromium cannot make its sandbox.
        started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        address = f"http://{suite.environment['CUSTOMVISION_HTTP_ADDRESS']}"
        page = started.new_page(base_url=address, viewport=WIDE)
        page.set_default_timeout(WAIT_MILLISECONDS)
        page.goto(f"/sign-in#{sign_in_links(keys).make(60)}")
        page.get_by_role("link", name="fruit").click()
        yield page
        started.close()


def take_all(page: Page, unseen: list[Path]) -> None:
    """Goes from screen to screen and takes a picture of each."""
    page.get_by_role("listbox", name="Images").get_by_role("option").first.wait_for()
    take(page, "images")
    open_screen(page, "Training")
    page.get_by_role("button", name="Train all the same").click()
    page.get_by_text("Against Iteration 1").wait_for()
    take(page, "training")
    open_screen(page, "Performance")
    page.get_by_role("slider", name="Threshold").wait_for()
    take(page, "performance", whole=True)
    open_screen(page, "Quick test")
    page.locator("input[type=file]").first.set_input_files(unseen[::4])
    page.get_by_text("Answered by").nth(len(unseen[::4]) - 1).wait_for()
    take(page, "quick-test")
    open_screen(page, "Predictions")
    page.get_by_role("listbox").get_by_role("option").first.dblclick()
    page.get_by_role("dialog").wait_for()
    page.emulate_media(color_scheme="dark")
    take(page, "correction-dark")
    page.keyboard.press("Escape")
    page.set_viewport_size(PHONE)
    open_screen(page, "Images")
    page.get_by_role("listbox", name="Images").get_by_role("option").first.wait_for()
    take(page, "images-phone-dark")


def open_screen(page: Page, name: str) -> None:
    """Goes to a screen of the project."""
    page.get_by_role("navigation", name="Project").get_by_role("link", name=name).click()


def take(page: Page, name: str, *, whole: bool = False) -> None:
    """Writes what is seen, or the ``whole`` length of it, once every photo is there."""
    page.evaluate("scrollTo(0, 0)")
    page.evaluate(PHOTOS_IN_SIGHT)
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.jpg", type="jpeg", quality=QUALITY, full_page=whole)
    say(name)


if __name__ == "__main__":
    sys.exit(main())
