"""One image by itself in a real browser: from one to the next, tagged by number keys, deleted."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from many_images import copy_image
from page_visit import Visit, open_signed_in
from project_calls import add_photos, image_list, make_project, make_tag
from running_gateway import ServedGateway

# More than come at once.
COUNT = 130


@pytest.fixture
async def project_id(served: ServedGateway, settings: Settings) -> str:
    """A project of two tags and many untagged images, the oldest called 0.jpg."""
    project_id = (await make_project(served.project, "garden")).project_id
    for name in ("rose", "tulip"):
        await make_tag(served.project, project_id, name)
    [image] = await add_photos(served.project, project_id, [1])
    copy_image(settings.home, image.image_id, COUNT - 1)
    return project_id


async def shown(page: Page, name: str) -> None:
    """Waits until the image of that name is the one that is open, with its picture."""
    await expect(page.get_by_role("dialog").get_by_role("heading", name=name, exact=True)).to_be_visible()
    await expect(page.get_by_role("dialog").get_by_role("img", name=name, exact=True)).to_be_visible()


async def pressed(page: Page, tag: str) -> None:
    """Waits until a tag, and no other, is told to be that of the open image."""
    chips = page.get_by_role("dialog").locator("[aria-pressed=true]")
    await expect(chips).to_have_count(1)
    await expect(chips).to_contain_text(tag)


async def test_untagged_images_are_tagged_one_after_another(
    visit: Visit, served: ServedGateway, keys: Keys, project_id: str
) -> None:
    """A number tags, another replaces it; none is passed over, though what is tagged leaves the list that is walked."""
    page = visit.page
    await open_signed_in(page, keys, f"/projects/{project_id}/images")
    await page.get_by_role("button", name="Untagged 130").click()
    photos = page.get_by_role("listbox").get_by_role("option")
    # Two columns and few rows: so far up, only the first 120 are there.
    await page.set_viewport_size({"width": 400, "height": 300})
    await photos.first.focus()
    for _ in range(52):
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await shown(page, "25.jpg")
    await page.keyboard.press("1")
    await pressed(page, "rose")
    await page.keyboard.press("2")
    await pressed(page, "tulip")
    for number in range(24, 7, -1):
        await page.keyboard.press("ArrowRight")
        await shown(page, f"{number}.jpg")
    await page.keyboard.press("1")
    await pressed(page, "rose")
    await page.keyboard.press("Control+z")
    await expect(page.get_by_role("dialog").locator("[aria-pressed=true]")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.get_by_role("button", name="Untagged 129")).to_be_visible()
    await expect(page.locator("[role=option]:focus")).to_have_accessible_name("7.jpg, untagged")
    tagged = {
        image.file_name: [tag.tag_name for tag in image.tags]
        for image in await image_list(served.project, project_id)
        if image.tags
    }
    assert tagged == {"25.jpg": ["tulip"]}


async def test_a_deleted_image_makes_room_for_the_next(
    visit: Visit, served: ServedGateway, keys: Keys, project_id: str
) -> None:
    """Delete shows the next image and undo brings the deleted one back; on closing, the focus is on the card."""
    page = visit.page
    await open_signed_in(page, keys, f"/projects/{project_id}/images")
    card = page.get_by_role("listbox").get_by_role("option").nth(1)
    await card.hover()
    await card.get_by_title("Open").click()
    await shown(page, "128.jpg")
    await page.keyboard.press("Delete")
    await shown(page, "127.jpg")
    await page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    await shown(page, "128.jpg")
    await page.keyboard.press("Delete")
    await shown(page, "127.jpg")
    await page.keyboard.press("ArrowLeft")
    await shown(page, "129.jpg")
    await page.keyboard.press("Delete")
    await shown(page, "127.jpg")
    await page.keyboard.press("Escape")
    await expect(page.locator("[role=option]:focus")).to_have_accessible_name("127.jpg, untagged")
    # Left for another screen, the last deletion is made.
    await page.get_by_role("link", name="Settings").click()
    async with asyncio.timeout(30):
        while len(images := await image_list(served.project, project_id)) != COUNT - 2:
            await asyncio.sleep(0.02)
    assert {image.file_name for image in images}.isdisjoint({"128.jpg", "129.jpg"})


async def test_a_double_click_opens_also_where_the_bar_comes_up(visit: Visit, keys: Keys, project_id: str) -> None:
    """The first click selects and brings the bar with its buttons up under the pointer; the second is the photo's."""
    page = visit.page
    await page.set_viewport_size({"width": 1280, "height": 720})
    await open_signed_in(page, keys, f"/projects/{project_id}/images")
    await expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    await page.mouse.click(200, 690)
    await expect(page.get_by_role("toolbar")).to_be_visible()
    covered = "document.elementFromPoint(200, 690).closest('[role=toolbar]') !== null"
    async with asyncio.timeout(30):
        while not await page.evaluate(covered):
            await asyncio.sleep(0.02)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("toolbar")).to_be_hidden()
    await page.mouse.dblclick(200, 690)
    await expect(page.get_by_role("dialog")).to_be_visible()
