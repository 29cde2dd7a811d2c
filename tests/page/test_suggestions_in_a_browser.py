"""What models say of images, in a real browser: suggested tags that people confirm, and held-out images told wrong."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.prediction.wiring import open_prediction_service
from customvision.training.wiring import open_training_service
from page_visit import Visit, open_signed_in
from pictures import photo
from project_calls import add_images, freeze, image_list, make_project, make_tag
from project_copying import complete_with_model
from running_gateway import ServedGateway, served_gateway

RED, GREEN = (220, 40, 90), (40, 220, 90)
# Hardly more red than green.
NEARLY = (130, 122, 120)


@pytest.fixture
async def served(settings: Settings, keys: Keys) -> AsyncIterator[ServedGateway]:
    """A gateway before all three services."""
    async with served_gateway(
        settings, keys, training=open_training_service, prediction=open_prediction_service
    ) as gateway:
        yield gateway


async def tagged_project(served: ServedGateway) -> tuple[str, str, str]:
    """Returns a project of five red and five green images, and its tags."""
    project_id = (await make_project(served.project, "colours")).project_id
    red, green = [await make_tag(served.project, project_id, name) for name in ("red", "green")]
    for tag_id, color, first in ((red, RED, 0), (green, GREEN, 10)):
        await add_images(served.project, project_id, [photo(first + n, color=color) for n in range(5)], [tag_id])
    return project_id, red, green


async def test_suggested_tags_are_confirmed(visit: Visit, served: ServedGateway, keys: Keys) -> None:
    """Untagged images are asked about, least certain first, and confirmed one by one or where sure; undo undoes."""
    page = visit.page
    project_id, red, green = await tagged_project(served)
    colors = (RED, NEARLY, GREEN)
    await add_images(served.project, project_id, [photo(100 + n, color=color) for n, color in enumerate(colors)])
    await open_signed_in(page, keys, f"/projects/{project_id}/images")
    await page.get_by_role("button", name="Suggestions 0").click()
    await expect(page.get_by_text("there is none yet")).to_be_visible()
    await complete_with_model(served.project, await freeze(served.project, project_id))
    await page.reload()
    await page.get_by_role("button", name="Suggestions 0").click()
    await expect(page.get_by_text("Iteration 1 has not been asked about 3 untagged images")).to_be_visible()
    await page.get_by_role("button", name="Suggest tags").click()
    photos = page.get_by_role("listbox").get_by_role("option")
    await expect(photos).to_have_count(3)
    await expect(photos.first).to_have_accessible_name(re.compile(r"^1\.jpg, suggested: red"))
    await page.get_by_label("From this probability on").select_option("0.7")
    await page.get_by_role("button", name="Confirm all of at least").click()
    await expect(page.get_by_text("2 suggestions confirmed.")).to_be_visible()
    await expect(photos).to_have_count(1)
    tags = {image.file_name: list(image.tag_ids) for image in (await image_list(served.project, project_id))[10:]}
    assert tags == {"0.jpg": [red], "1.jpg": [], "2.jpg": [green]}
    await page.get_by_role("button", name="Undo").click()
    await expect(photos).to_have_count(3)
    await photos.first.click()
    await page.get_by_role("button", name="Confirm the suggested tags").click()
    await expect(page.get_by_text("1 suggestion confirmed.")).to_be_visible()
    # Another tag than the one suggested.
    await photos.first.dblclick()
    await expect(page.get_by_role("dialog").get_by_text("Iteration 1 suggests")).to_be_visible()
    suggested_red = await page.get_by_role("dialog").get_by_role("heading", level=2).text_content() == "0.jpg"
    await page.keyboard.press("2" if suggested_red else "1")
    await expect(page.get_by_role("dialog").locator("[aria-pressed=true]")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Suggestions 1")).to_be_visible()
    tags = {image.file_name: list(image.tag_ids) for image in (await image_list(served.project, project_id))[10:]}
    assert tags["1.jpg"] == [red]
    assert [tags["0.jpg"], tags["2.jpg"]] == ([[green], []] if suggested_red else [[], [red]])


async def test_what_an_iteration_tells_wrong_is_framed(visit: Visit, served: ServedGateway, keys: Keys) -> None:
    """Of an iteration's images, those held out and told wrong say so; they are a filter, and open with its answer."""
    page = visit.page
    project_id, red, green = await tagged_project(served)
    images = await image_list(served.project, project_id)
    told = {images[0].image_id: green, images[1].image_id: red, images[5].image_id: green}
    await complete_with_model(served.project, await freeze(served.project, project_id), told=told)
    await open_signed_in(page, keys, f"/projects/{project_id}/images")
    photos = page.get_by_role("listbox").get_by_role("option")
    await page.get_by_label("Of which data set").select_option("What Iteration 1 was made of")
    wrong = photos.and_(page.get_by_label("told wrong"))
    await expect(wrong).to_have_count(1)
    await expect(wrong).to_have_accessible_name("0.jpg, red, told wrong: green 100.0%")
    await expect(photos).to_have_count(10)
    await page.get_by_label("Only the wrong ones").check()
    await expect(photos).to_have_count(1)
    await page.reload()
    await expect(page.get_by_label("Only the wrong ones")).to_be_checked()
    await expect(photos).to_have_count(1)
    await photos.first.press("Enter")
    await expect(page.get_by_role("dialog").get_by_text("tells it wrong")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_label("Only the wrong ones").uncheck()
    await expect(photos).to_have_count(10)
    await photos.nth(8).press("Enter")
    await expect(page.get_by_role("dialog").get_by_text("tells it right")).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("dialog").get_by_text("tells it wrong")).to_be_visible()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_role("dialog").get_by_text("Iteration 1 learned from it.")).to_be_visible()
