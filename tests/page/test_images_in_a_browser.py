"""The images of a project in a real browser: adding, seeing, selecting, tagging, deleting."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, Route, expect

from customvision.common.keys import Keys
from page_visit import Visit, open_signed_in
from pictures import photo
from project_calls import add_photos, image_list, make_project, make_tag
from running_gateway import ServedGateway


@pytest.fixture
async def project_id(served: ServedGateway) -> str:
    """A project."""
    return (await make_project(served.project, "garden")).project_id


async def open_images(page: Page, keys: Keys, project_id: str) -> Locator:
    """Opens the images of a project and returns what finds them."""
    await open_signed_in(page, keys, f"/projects/{project_id}/images")
    await expect(page.get_by_role("heading", name="garden")).to_be_visible()
    return page.get_by_role("listbox").get_by_role("option")


async def test_a_folder_becomes_tagged_images(
    visit: Visit, served: ServedGateway, keys: Keys, project_id: str, tmp_path: Path
) -> None:
    """Photos of a folder arrive with its name as their tag, new or known; a file that is none is told by name."""
    page = visit.page
    rose = await make_tag(served.project, project_id, "rose")
    for name, seeds in (("rose", (1, 2)), ("<b>tulip", (3,))):
        (tmp_path / "flowers" / name).mkdir(parents=True)
        for seed in seeds:
            (tmp_path / "flowers" / name / f"{seed}.jpg").write_bytes(photo(seed))
    (tmp_path / "flowers" / "rose" / "damaged.jpg").write_bytes(photo(9)[:200])
    (tmp_path / "flowers" / "rose" / "notes.txt").write_text("no photo")
    photos = await open_images(page, keys, project_id)
    await page.locator("input[webkitdirectory]").set_input_files(tmp_path / "flowers")
    await expect(page.get_by_role("status")).to_contain_text("3 photos added")
    await expect(page.get_by_role("status")).to_contain_text("damaged.jpg")
    await expect(photos).to_have_count(3)
    await expect(page.get_by_role("button", name="rose 2")).to_be_visible()
    await page.get_by_role("button", name="<b>tulip 1").click()
    await expect(photos).to_have_count(1)
    stored = await image_list(served.project, project_id)
    assert sorted(rose in image.tag_ids for image in stored) == [False, True, True]


async def test_a_folder_that_cannot_be_a_tag_stops_no_other(
    visit: Visit, keys: Keys, project_id: str, tmp_path: Path
) -> None:
    """The photos of a folder whose name no tag can have are told by name, with why; those of others arrive tagged."""
    page = visit.page
    for name, seed in (("x" * 200, 1), ("rose", 2)):
        (tmp_path / "flowers" / name).mkdir(parents=True)
        (tmp_path / "flowers" / name / f"{seed}.jpg").write_bytes(photo(seed))
    photos = await open_images(page, keys, project_id)
    await page.locator("input[webkitdirectory]").set_input_files(tmp_path / "flowers")
    await expect(page.get_by_role("status")).to_contain_text("1.jpg: Its folder's name makes no tag: name has 200")
    await expect(page.get_by_role("button", name="rose 1")).to_be_visible()
    await expect(photos).to_have_count(1)
    visit.expect_told("400")


async def test_photos_are_seen_while_others_are_being_sent(
    visit: Visit, keys: Keys, project_id: str, tmp_path: Path
) -> None:
    """What has arrived is shown before the rest, also on coming back, and undoes no choice that is being loaded; until
    all is there the browser asks before it leaves."""
    page = visit.page
    go_on, answer, held = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    async def hold_choice(route: Route) -> None:
        if not held.is_set():
            held.set()
            await answer.wait()
        await route.continue_()

    files = [tmp_path / "first.jpg", tmp_path / "held.jpg"]
    for seed, file in enumerate(files):
        file.write_bytes(photo(seed))
    photos = await open_images(page, keys, project_id)
    await page.route("**/images?fileName=held*", hold)
    leaves = "dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    await page.locator("input[type=file]:not([webkitdirectory])").set_input_files(files)
    await expect(photos).to_have_count(1)
    await expect(page.get_by_text("Photos sent: 1 of 2 photos")).to_be_visible()
    await page.get_by_role("link", name="Settings").click()
    await expect(page.get_by_label("Description")).to_be_visible()
    assert not await page.evaluate(leaves)
    await page.get_by_role("link", name="Images").click()
    await expect(page.get_by_text("Photos sent: 1 of 2 photos")).to_be_visible()
    await expect(photos).to_have_count(1)
    await page.route("**/calls/project/ListImages", hold_choice)
    await page.get_by_role("button", name="Untagged").click()
    await held.wait()
    go_on.set()
    await expect(page.get_by_text("2 photos added")).to_be_visible()
    answer.set()
    await expect(photos).to_have_count(2)
    await expect(page.get_by_role("button", name="Untagged")).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate(leaves)


async def test_the_same_photos_again_are_no_error(
    visit: Visit, served: ServedGateway, keys: Keys, project_id: str, tmp_path: Path
) -> None:
    """Photos that the project has are counted as added, and are there once."""
    page = visit.page
    (tmp_path / "one.jpg").write_bytes(photo(1))
    photos = await open_images(page, keys, project_id)
    for _ in range(2):
        await page.locator("input[type=file]:not([webkitdirectory])").set_input_files(tmp_path / "one.jpg")
        await expect(page.get_by_text("1 photo added").last).to_be_visible()
        await page.get_by_role("button", name="Close").last.click()
    await expect(photos).to_have_count(1)
    assert len(await image_list(served.project, project_id)) == 1


async def test_selected_images_are_tagged_untagged_and_deleted(
    visit: Visit, served: ServedGateway, keys: Keys, project_id: str
) -> None:
    """Mouse and keyboard select one, all up to there, or none; what is chosen for them reaches the service."""
    page = visit.page
    await add_photos(served.project, project_id, range(6))
    photos = await open_images(page, keys, project_id)
    await photos.nth(0).focus()
    for key in ("ArrowRight", "Space", "ArrowRight", "ArrowRight", "Shift+Space"):
        await page.keyboard.press(key)
    selected = await photos.evaluate_all("cards => cards.map(card => card.ariaSelected)")
    assert selected == ["false", "true", "true", "true", "false", "false"]
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("toolbar")).to_be_hidden()
    await expect(photos.nth(3)).to_be_focused()
    await photos.nth(1).click()
    await photos.nth(4).click(modifiers=["Shift"])
    await photos.nth(2).click()
    await expect(page.get_by_role("toolbar")).to_contain_text("3 images selected")
    await page.get_by_role("button", name="Tag…", exact=True).click()
    await page.get_by_label("Tag", exact=True).fill("rose")
    await page.get_by_role("dialog").get_by_role("button", name="Tag").click()
    await page.get_by_role("button", name="rose 3").click()
    await expect(photos).to_have_count(3)
    await photos.nth(0).click()
    await page.get_by_role("button", name="Untag…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Untag").click()
    await expect(page.get_by_role("button", name="rose 2")).to_be_visible()
    await page.get_by_role("button", name="Untagged 4").click()
    await expect(photos).to_have_count(4)
    await photos.nth(0).click()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_text("will be deleted").locator("..").get_by_role("button", name="Close").click()
    await expect(page.get_by_role("button", name="Untagged 3")).to_be_visible()
    assert len(await image_list(served.project, project_id)) == 5


async def test_what_was_tagged_is_undone_exactly(
    visit: Visit, served: ServedGateway, keys: Keys, project_id: str
) -> None:
    """Undo takes the tag from those that got it, gives back what it replaced, and leaves those that had it before."""
    page = visit.page
    rose, tulip = [await make_tag(served.project, project_id, name) for name in ("rose", "tulip")]
    for seeds, tag_ids in (((0,), []), ((1,), [tulip]), ((2,), [rose])):
        await add_photos(served.project, project_id, seeds, tag_ids)
    photos = await open_images(page, keys, project_id)
    await page.get_by_role("button", name="Select all").click()
    await page.get_by_role("button", name="Tag…", exact=True).click()
    await page.get_by_label("Tag", exact=True).fill("rose")
    await page.get_by_role("dialog").get_by_role("button", name="Tag").click()
    await expect(page.get_by_text("2 images tagged rose.")).to_be_visible()
    assert [list(image.tag_ids) for image in await image_list(served.project, project_id)] == [[rose]] * 3
    await expect(page.get_by_role("button", name="rose 3")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(page.get_by_text("Undone.")).to_be_visible()
    await expect(page.get_by_role("button", name="rose 1")).to_be_visible()
    assert [list(image.tag_ids) for image in await image_list(served.project, project_id)] == [[], [tulip], [rose]]
    await expect(photos).to_have_count(3)


async def test_a_deletion_is_made_once_it_cannot_be_undone(
    visit: Visit, served: ServedGateway, keys: Keys, project_id: str
) -> None:
    """A deleted card goes at once and its image when the notice or the page does; until then it can be brought back."""
    page = visit.page
    await add_photos(served.project, project_id, range(4))
    photos = await open_images(page, keys, project_id)
    await photos.nth(1).click()
    await page.keyboard.press("Delete")
    await expect(photos).to_have_count(3)
    assert len(await image_list(served.project, project_id)) == 4
    await page.get_by_role("button", name="Undo").click()
    await expect(photos).to_have_count(4)
    # What comes next makes the deletion before it final.
    for left in (3, 2):
        await photos.nth(0).click()
        await page.keyboard.press("Delete")
        await expect(photos).to_have_count(left)
    assert len(await image_list(served.project, project_id)) == 3
    await page.goto("about:blank")
    async with asyncio.timeout(30):
        while len(await image_list(served.project, project_id)) != 2:
            await asyncio.sleep(0.02)


async def test_images_of_several_tags_among_many(
    visit: Visit, served: ServedGateway, keys: Keys, project_id: str
) -> None:
    """Of 200 tags some are found by typing; several find the images with any of them, also on going back."""
    page = visit.page
    tag_ids = [await make_tag(served.project, project_id, f"kind {number}") for number in range(200)]
    for number in (7, 150, 151):
        await add_photos(served.project, project_id, [number], [tag_ids[number]])
    photos = await open_images(page, keys, project_id)
    for sought in ("kind 7", "kind 150"):
        await page.get_by_label("Find a tag").fill(sought)
        await page.get_by_role("button", name=f"{sought} 1", exact=True).click()
        await expect(page.get_by_role("button", name=f"{sought} 1", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
    await expect(photos).to_have_count(2)
    await page.get_by_role("button", name="Tagged 3", exact=True).click()
    await expect(photos).to_have_count(3)
    await page.go_back()
    await expect(photos).to_have_count(2)
    await page.reload()
    await expect(photos).to_have_count(2)
    await expect(page.get_by_role("button", name="kind 150 1", exact=True)).to_have_attribute("aria-pressed", "true")
