"""Ten thousand images in a real browser: only those near the window are there, and all can be reached and worked on."""

from playwright.async_api import Page, expect

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from many_images import copy_image
from page_visit import Visit, open_signed_in
from project_calls import add_photos, image_list, make_project, make_tag
from running_gateway import ServedGateway

# What a screen of 1280 × 720 shows, with what is ahead of it, many times over.
MOST_CARDS = 200


async def make_crowd(served: ServedGateway, settings: Settings, count: int) -> str:
    """Makes a project of so many images, the oldest called 0.jpg and the others by their number; returns its id."""
    project_id = (await make_project(served.project, "crowd")).project_id
    [image] = await add_photos(served.project, project_id, [1])
    copy_image(settings.home, image.image_id, count - 1)
    return project_id


async def height(page: Page) -> int:
    """Returns how high the whole document is, in pixels."""
    return int(await page.evaluate("document.documentElement.scrollHeight"))


async def test_any_of_many_images_is_reached(
    visit: Visit, served: ServedGateway, settings: Settings, keys: Keys
) -> None:
    """The end and the middle are a pull of the scrollbar away; few cards exist at any time, and nothing jumps."""
    page = visit.page
    project_id = await make_crowd(served, settings, 10_000)
    await open_signed_in(page, keys, f"/projects/{project_id}/images")
    photos = page.get_by_role("listbox").get_by_role("option")
    newest, oldest = photos.filter(has=page.locator("img")).first, photos.filter(has=page.locator("img")).last
    await expect(newest).to_have_accessible_name("9999.jpg, untagged")
    whole = await height(page)
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    await expect(oldest).to_have_accessible_name("0.jpg, untagged")
    assert await height(page) == whole
    assert await photos.count() < MOST_CARDS
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    await expect(photos.locator("nth=20")).not_to_have_attribute("aria-busy", "true")
    positions = await photos.evaluate_all("cards => cards.map(card => Number(card.ariaPosInSet))")
    assert 4_000 < positions[0] < positions[-1] < 6_000
    assert len(positions) < MOST_CARDS


async def test_many_images_are_worked_on(visit: Visit, served: ServedGateway, settings: Settings, keys: Keys) -> None:
    """All of a filter but one are tagged, though they leave it; shift selects what is not there, for deletion."""
    page = visit.page
    project_id = await make_crowd(served, settings, 3000)
    await make_tag(served.project, project_id, "rose")
    await open_signed_in(page, keys, f"/projects/{project_id}/images")
    await page.get_by_role("button", name="Untagged 3,000").click()
    photos = page.get_by_role("listbox").get_by_role("option")
    toolbar = page.get_by_role("toolbar")
    await page.get_by_role("button", name="Select all").click()
    await photos.nth(0).click()
    await expect(toolbar).to_contain_text("2,999 images selected")
    await toolbar.get_by_role("button", name="Tag…", exact=True).click()
    await page.get_by_label("Tag", exact=True).fill("rose")
    await page.get_by_role("dialog").get_by_role("button", name="Tag").click()
    await expect(page.get_by_text("2,999 images tagged rose.")).to_be_visible(timeout=30_000)
    await expect(photos).to_have_count(1)
    await page.get_by_role("button", name="rose 2,999").click()
    await expect(page.get_by_text("2,999 images", exact=True)).to_be_visible()
    await photos.nth(0).click()
    await page.keyboard.press("End")
    await expect(photos.last).to_have_accessible_name("0.jpg, rose")
    await page.keyboard.press("Shift+Space")
    await expect(toolbar).to_contain_text("2,999 images selected")
    await page.keyboard.press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("2,999 images deleted.")).to_be_visible(timeout=30_000)
    assert [image.file_name for image in await image_list(served.project, project_id)] == ["2999.jpg"]
