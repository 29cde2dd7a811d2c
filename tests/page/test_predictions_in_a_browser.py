"""Kept predictions in a real browser: seen, filtered, corrected, added to the training images, deleted."""

import re
import uuid
from dataclasses import dataclass

import pytest
from playwright.async_api import Locator, Page, expect

from customvision.common.keys import Keys
from customvision.v1 import stored_predictions_pb2
from page_visit import Visit, open_signed_in
from pictures import photo
from project_calls import add_photos, complete, freeze, image_list, make_project, make_tag
from running_gateway import ServedGateway

PAGE_SIZE, BATCH = 120, 64
ROSE, TULIP = "<script>rose</script>", "tulip ‮evil"
LATER = "2100-01-01"


@dataclass(frozen=True)
class Garden:
    """A project with two tags, and how to keep predictions in it."""

    served: ServedGateway
    project_id: str
    rose: str
    tulip: str

    def answer(
        self, seed: int, rose: float, *, iteration_id: str = "", application: str = ""
    ) -> stored_predictions_pb2.RecordPredictionRequest:
        """Returns the answer that the photo of ``seed`` is a rose with this probability, and else a tulip."""
        entries = [
            stored_predictions_pb2.TagProbability(tag_id=self.rose, tag_name=ROSE, probability=rose),
            stored_predictions_pb2.TagProbability(tag_id=self.tulip, tag_name=TULIP, probability=1 - rose),
        ]
        return stored_predictions_pb2.RecordPredictionRequest(
            prediction_id=str(uuid.uuid4()),
            project_id=self.project_id,
            iteration_id=iteration_id or str(uuid.uuid4()),
            publish_name="garden",
            application=application,
            image_data=photo(seed),
            predictions=sorted(entries, key=lambda entry: -entry.probability),
        )

    async def keep(self, *answers: stored_predictions_pb2.RecordPredictionRequest) -> None:
        """Keeps answers, one after another."""
        for start in range(0, len(answers), BATCH):
            request = stored_predictions_pb2.RecordPredictionsRequest(predictions=answers[start : start + BATCH])
            results = (await self.served.project.RecordPredictions(request)).results
            assert not any(result.code for result in results), results

    async def kept(self) -> int:
        """Returns how many predictions there are."""
        request = stored_predictions_pb2.ListPredictionsRequest(project_id=self.project_id, page_size=1000)
        return len((await self.served.project.ListPredictions(request)).predictions)

    async def images(self) -> dict[str, int]:
        """Returns how many training images each tag has, by its name."""
        images = await image_list(self.served.project, self.project_id)
        names = [tag.tag_name for image in images for tag in image.tags]
        return {name: names.count(name) for name in names}

    async def open(self, page: Page, keys: Keys) -> Locator:
        """Opens the predictions and returns what finds them."""
        await open_signed_in(page, keys, f"/projects/{self.project_id}/predictions")
        return page.get_by_role("listbox", name="Predictions").get_by_role("option")


@pytest.fixture
async def garden(served: ServedGateway) -> Garden:
    """A project with two tags."""
    return await make_garden(served)


async def make_garden(served: ServedGateway, *, multilabel: bool = False) -> Garden:
    """Makes a project with two tags."""
    project_id = (await make_project(served.project, "garden", multilabel=multilabel)).project_id
    tags = [await make_tag(served.project, project_id, name) for name in (ROSE, TULIP)]
    return Garden(served, project_id, *tags)


def shown(*answers: tuple[str, float]) -> list[re.Pattern[str]]:
    """Returns what the tiles of these answers say."""
    return [re.compile(re.escape(f"{name}{share:.1%}")) for name, share in answers]


async def test_what_is_right_is_added_in_one_action(visit: Visit, garden: Garden, keys: Keys) -> None:
    """The least certain come first; from a click up to a shift-click they get their likeliest tag; training is next."""
    page = visit.page
    await garden.keep(*(garden.answer(seed, rose) for seed, rose in enumerate((0.9, 0.55, 0.3, 0.98))))
    tiles = await garden.open(page, keys)
    await expect(tiles).to_have_text(shown((ROSE, 0.55), (TULIP, 0.7), (ROSE, 0.9), (ROSE, 0.98)))
    loaded = "image => image.decode().then(() => image.naturalWidth)"
    assert await tiles.first.locator("img").evaluate(loaded) > 0
    await tiles.nth(1).get_by_title("Open").click()
    await expect(page.get_by_role("dialog")).to_contain_text("70.0%")
    await page.keyboard.press("Escape")
    await expect(tiles.nth(1)).to_be_focused()
    await tiles.nth(0).click()
    await tiles.nth(2).click(modifiers=["Shift"])
    await expect(page.get_by_role("toolbar")).to_contain_text("3 predictions selected")
    await page.get_by_role("button", name="These are right").click()
    await expect(page.get_by_text("3 photos added to the training images.")).to_be_visible()
    await expect(tiles).to_have_text(shown((ROSE, 0.98)))
    assert await garden.images() == {ROSE: 2, TULIP: 1}
    again = page.get_by_role("link", name="Train again")
    await expect(again).to_have_attribute("href", f"/projects/{garden.project_id}/training")


async def test_another_tag_is_given_by_name_and_what_cannot_be_added_is_told(
    visit: Visit, garden: Garden, keys: Keys
) -> None:
    """A new name makes a tag; a photo that the project has with it is counted apart, one with another tag stays."""
    page = visit.page
    dahlia = await make_tag(garden.served.project, garden.project_id, "dahlia")
    await add_photos(garden.served.project, garden.project_id, [1], [garden.rose])
    await add_photos(garden.served.project, garden.project_id, [2], [dahlia])
    await garden.keep(*(garden.answer(seed, 0.6) for seed in range(3)))
    tiles = await garden.open(page, keys)
    await tiles.first.click()
    await page.get_by_role("button", name="Select all shown").click()
    await page.get_by_role("button", name="Other tag…").click()
    await page.get_by_label("Right tag").fill("dahlia")
    await page.keyboard.press("Enter")
    await expect(
        page.get_by_text("1 photo added to the training images. 1 photo had been there before")
    ).to_be_visible()
    await expect(page.locator("#notices")).to_contain_text("tag")
    await expect(tiles).to_have_count(1)
    await expect(page.get_by_role("toolbar")).to_contain_text("1 prediction selected")
    assert await garden.images() == {ROSE: 1, "dahlia": 2}


async def test_all_likely_tags_are_right_where_images_have_several(
    visit: Visit, served: ServedGateway, keys: Keys
) -> None:
    """A multilabel photo gets each tag that is at least as likely as not; one whose tag is gone is left, and told."""
    page = visit.page
    garden = await make_garden(served, multilabel=True)
    both, gone = garden.answer(1, 0.9), garden.answer(2, 0.8)
    both.predictions[1].probability = 0.6
    gone.predictions[0].tag_id = str(uuid.uuid4())
    await garden.keep(both, gone)
    tiles = await garden.open(page, keys)
    await tiles.first.focus()
    await page.keyboard.press("Control+a")
    await page.get_by_role("button", name="These are right").click()
    await expect(page.locator("#notices")).to_contain_text("1 prediction left: the project has the tag no more.")
    await expect(tiles).to_have_text(shown((ROSE, 0.8)))
    assert await garden.images() == {ROSE: 1, TULIP: 1}


async def test_one_after_another_is_corrected_with_the_keyboard(visit: Visit, garden: Garden, keys: Keys) -> None:
    """Enter shows one large, arrows move, numbers and new names tag, Enter adds and goes on; the last is deleted."""
    page = visit.page
    await garden.keep(*(garden.answer(seed, rose, application="kiosk") for seed, rose in enumerate((0.9, 0.8, 0.7))))
    tiles = await garden.open(page, keys)
    await tiles.first.focus()
    await page.keyboard.press("Enter")
    detail = page.get_by_role("dialog")
    await expect(detail.get_by_role("listitem")).to_have_text([re.compile("70.0%"), re.compile("30.0%")])
    await expect(detail).to_contain_text("garden · kiosk")
    await page.keyboard.press("ArrowRight")
    await expect(detail).to_contain_text("80.0%")
    await expect(detail.get_by_role("button", name=f"1 {ROSE}")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("2")
    await expect(detail.get_by_role("button", name=f"Add as {TULIP}")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(detail).to_contain_text("90.0%")
    await detail.get_by_label("New tag").fill("peony")
    await page.keyboard.press("Enter")
    await detail.get_by_role("button", name="Add as peony").click()
    await expect(detail).to_contain_text("70.0%")
    assert await garden.images() == {TULIP: 1, "peony": 1}
    await detail.get_by_role("button", name="Delete…").click()
    await page.get_by_role("dialog", name="Delete 1 prediction?").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", name="No prediction is kept")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await garden.kept() == 0


async def test_what_is_listed_can_be_chosen(visit: Visit, garden: Garden, keys: Keys) -> None:
    """Order, iteration, tag with a range, time and application select; where nothing is left, the page says so."""
    page = visit.page
    await add_photos(garden.served.project, garden.project_id, range(50, 55), [garden.rose])
    await add_photos(garden.served.project, garden.project_id, range(60, 65), [garden.tulip])
    iteration = await complete(garden.served.project, await freeze(garden.served.project, garden.project_id))
    ours = {"iteration_id": iteration.iteration_id}
    for seed, (rose, options) in enumerate(((0.7, ours), (0.6, {"application": "kiosk"}), (0.2, ours))):
        await garden.keep(garden.answer(seed, rose, **options))
    tiles = await garden.open(page, keys)
    await expect(tiles).to_have_text(shown((ROSE, 0.6), (ROSE, 0.7), (TULIP, 0.8)))
    await page.get_by_label("Order").select_option("Newest first")
    await expect(tiles).to_have_text(shown((TULIP, 0.8), (ROSE, 0.6), (ROSE, 0.7)))
    await page.get_by_text("Filter", exact=True).click()
    await page.get_by_label("Application").fill("kiosk")
    await page.keyboard.press("Tab")
    await expect(tiles).to_have_text(shown((ROSE, 0.6)))
    await page.get_by_label("Application").fill("")
    await page.get_by_label("Iteration").select_option("Iteration 1")
    await expect(tiles).to_have_text(shown((TULIP, 0.8), (ROSE, 0.7)))
    await page.get_by_label("Tag", exact=True).select_option(ROSE)
    await page.get_by_label("to (%)", exact=True).fill("69.9")
    await page.keyboard.press("Tab")
    await expect(tiles).to_have_text(shown((TULIP, 0.8)))
    await page.get_by_label("First day").fill(LATER)
    await expect(page.get_by_text("No prediction is like that.")).to_be_visible()
    await page.get_by_role("button", name="Show all").click()
    await expect(tiles).to_have_count(3)


async def test_many_come_as_one_scrolls_and_are_added_in_batches(visit: Visit, garden: Garden, keys: Keys) -> None:
    """The first screen loads a page, not all; scrolling brings the rest; more than one call takes are added at once."""
    page = visit.page
    count = PAGE_SIZE + 20
    await page.set_viewport_size({"width": 1280, "height": 400})
    await garden.keep(*(garden.answer(seed, 0.5 + seed / 1000) for seed in range(count)))
    tiles = await garden.open(page, keys)
    await tiles.first.focus()
    await page.keyboard.press("Control+a")
    await expect(page.get_by_role("toolbar")).to_contain_text(f"{PAGE_SIZE} predictions selected")
    await page.keyboard.press("End")
    await expect(tiles.last).to_have_attribute("aria-posinset", str(count))
    assert await tiles.count() < PAGE_SIZE
    await page.keyboard.press("Control+a")
    # A thumbnail that is still on its way is gone once its prediction is an image.
    visit.expect_told("404")
    await page.get_by_role("button", name="These are right").click()
    await expect(page.get_by_text(f"{count} photos added")).to_be_visible(timeout=30_000)
    assert await garden.images() == {ROSE: count}


async def test_where_nothing_is_kept_the_page_says_how_it_comes_to_be(visit: Visit, garden: Garden, keys: Keys) -> None:
    """Without a prediction, the page tells what callers do, with a way to the calls; on a phone nothing is too wide."""
    page = visit.page
    await page.set_viewport_size({"width": 390, "height": 844})
    await garden.open(page, keys)
    await expect(page.get_by_text("/nostore")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.get_by_role("link", name="The calls that ask the model").click()
    await expect(page.get_by_role("heading", name="Ask the model")).to_be_visible()
