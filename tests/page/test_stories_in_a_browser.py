"""The five-minute story and the correction story on real photos, with a browser and nothing else."""

import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from accessible import findings
from customvision.common.keys import Keys
from page_visit import Visit, open_signed_in, visiting
from suite_process import SuiteProcess, running_suite

FLOWERS = Path(__file__).parents[3] / "shared" / "datasets" / "flower_photos"
KINDS = ("daisy", "roses", "tulips")
PER_KIND = 15
UNSEEN_PER_KIND = 6
# The first training makes the network ready to run, beside whatever else this machine does.
TRAINED_MILLISECONDS = 180_000

pytestmark = pytest.mark.skipif(not FLOWERS.is_dir(), reason="needs the photos in ../shared/datasets/flower_photos")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteProcess]:
    """A whole suite with a new home, on the built-in backbone."""
    with running_suite(tmp_path_factory.mktemp("page-story") / "home") as running:
        yield running


@pytest.fixture
async def visit(browser: Browser, suite: SuiteProcess) -> AsyncIterator[Visit]:
    """A browser on that suite's gateway."""
    async with visiting(browser, f"http://{suite.environment['CUSTOMVISION_HTTP_ADDRESS']}") as visit:
        yield visit


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """A folder of the kinds, a few photos in each, named for the test's own temporary folder."""
    return copied(tmp_path / f"flowers-{tmp_path.name}", 0, PER_KIND)


@pytest.fixture
def unseen(tmp_path: Path) -> list[Path]:
    """Other photos of the same kinds."""
    return sorted(copied(tmp_path / "unseen", PER_KIND, UNSEEN_PER_KIND).glob("*/*"))


def copied(folder: Path, first: int, count: int) -> Path:
    """Copies ``count`` photos of each kind into sub-folders and returns ``folder``."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
        for path in sorted((FLOWERS / kind).iterdir())[first : first + count]:
            shutil.copy(path, folder / kind / f"{kind}-{path.name}")
    return folder


def keys_of(suite: SuiteProcess) -> Keys:
    """Returns the keys that the suite made on its first start."""
    return Keys(**json.loads((suite.home / "keys.json").read_text()))


async def check(page: Page) -> None:
    """Fails where something on the screen keeps people with a screen reader or a keyboard from using it."""
    assert await findings(page) == []


async def open_tab(page: Page, name: str) -> None:
    """Goes to another screen of the project."""
    await page.get_by_role("navigation", name="Project").get_by_role("link", name=name).click()


async def train(page: Page) -> None:
    """Trains on the screen for it and waits until there is a model."""
    await open_tab(page, "Training")
    await page.get_by_role("button", name="Train", exact=True).click()
    # Whoever reloads in the middle misses nothing.
    await page.reload()
    trained = page.get_by_role("heading", name=re.compile("^Trained in"))
    await expect(trained).to_be_visible(timeout=TRAINED_MILLISECONDS)


async def test_five_minutes_to_a_working_classifier(
    visit: Visit, suite: SuiteProcess, flowers: Path, unseen: list[Path]
) -> None:
    """A project, a folder of photos, a training, its figures, a published model and its answer, in a browser alone."""
    page = visit.page
    await open_signed_in(page, keys_of(suite))
    await check(page)
    await page.get_by_role("button", name="New project").click()
    await page.get_by_label("Name").fill("flowers")
    await check(page)
    await page.get_by_role("button", name="Create project").click()
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("button", name="Add a folder…").click()
    await (await choosing.value).set_files(flowers)
    await expect(page.get_by_text(f"{PER_KIND * len(KINDS)} photos added.")).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile(f"^roses {PER_KIND}$"))).to_be_visible()
    await check(page)

    await train(page)
    await check(page)
    await page.get_by_role("link", name="See how it does, and publish it").click()
    await expect(page.get_by_role("slider", name="Threshold")).to_be_visible()
    await check(page)
    await page.get_by_role("button", name="Publish…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("Iteration 1 is published as production.")).to_be_visible()
    await expect(page.get_by_text("Answers as production.")).to_be_visible()

    await open_tab(page, "Quick test")
    await page.locator("input[type=file]").first.set_input_files(unseen[0])
    answers = page.get_by_role("list", name="Answers")
    await expect(answers.get_by_text("Answered by Iteration 1")).to_be_visible()
    await expect(answers.get_by_role("meter").first).to_be_visible()
    await check(page)
    await open_tab(page, "Settings")
    await expect(page.get_by_role("heading", name="Ask the model")).to_be_visible()
    await check(page)


async def test_corrections_make_it_better(visit: Visit, suite: SuiteProcess, flowers: Path, unseen: list[Path]) -> None:
    """What the deployed model answered is corrected and added; training again says what that brought."""
    suite.run("train", flowers)
    suite.run("predict", "--project", flowers.name, "--store", *unseen)
    page = visit.page
    await open_signed_in(page, keys_of(suite))
    await page.get_by_role("link", name=re.compile(flowers.name)).click()
    await open_tab(page, "Predictions")
    tiles = page.get_by_role("listbox", name="Predictions").get_by_role("option")
    # They are kept a moment after they were answered.
    while await tiles.count() < len(unseen):
        await page.reload()
        await expect(page.get_by_role("navigation", name="Project")).to_be_visible()
    await check(page)
    await tiles.first.dblclick()
    detail = page.get_by_role("dialog")
    await check(page)
    for left in reversed(range(len(unseen))):
        await page.keyboard.press("1")
        await page.keyboard.press("Enter")
        await expect(tiles).to_have_count(left)
    await expect(detail).to_have_count(0)
    await expect(page.get_by_text(f"{len(unseen)} photos added to the training images.")).to_be_visible()
    await page.get_by_role("link", name="Train again").click()
    await page.get_by_role("button", name="Train", exact=True).click()
    brought = page.get_by_text(re.compile(r"^Against Iteration 1 \(published\)"))
    await expect(brought).to_be_visible(timeout=TRAINED_MILLISECONDS)
    await check(page)
