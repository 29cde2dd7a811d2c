"""The page as people use it, in a real browser."""

import re

import pytest
from playwright.async_api import expect

from customvision.common.keys import Keys
from page_visit import Visit, open_signed_in
from project_calls import add_photos, make_project, make_tag
from running_gateway import ServedGateway

HOSTILE_NAMES = ("<script>document.title='hacked'</script>", "<img src=x onerror=alert(1)>", "קטלוג ‮evil", "🌷" * 20)
PHONE = {"width": 390, "height": 844}


async def test_who_is_not_signed_in_comes_back_where_they_wanted_to_go(
    visit: Visit, served: ServedGateway, keys: Keys
) -> None:
    """A wrong key is told in a sentence; the right one leads to the screen that was asked for; signing out ends it."""
    page = visit.page
    project = await make_project(served.project, "garden")
    await page.goto(f"/projects/{project.project_id}/images?show=untagged")
    await page.get_by_label("Training key").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("The key is not valid here")
    # Browsers write every answer of 4xx into the console.
    visit.expect_told("401")
    await page.get_by_label("Training key").fill(keys.training_key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("garden")
    await expect(page).to_have_url(re.compile(r"/images\?show=untagged$"))
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Training key")).to_be_visible()
    await page.goto("/")
    await expect(page).to_have_url(re.compile("/sign-in"))


async def test_a_link_signs_in_at_once_and_leaves_nothing_in_the_address(visit: Visit, keys: Keys) -> None:
    """What signs in is gone from the address bar, and going back does not bring it back."""
    await open_signed_in(visit.page, keys)
    await expect(visit.page.get_by_text("No project yet")).to_be_visible()
    assert "#" not in visit.page.url
    assert visit.page.url.endswith("/")


async def test_a_project_is_made_changed_and_deleted(visit: Visit, served: ServedGateway, keys: Keys) -> None:
    """With the keyboard alone: a project with its kind and domain; other settings; an end that must be confirmed."""
    page = visit.page
    await open_signed_in(page, keys)
    await page.get_by_role("button", name="New project").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Name", exact=True).fill("birds")
    await page.get_by_role("radio", name="Several tags per image").check()
    await page.get_by_role("radio", name="General [A1]").check()
    await page.get_by_label("Name", exact=True).press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("birds")
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_label("Description").fill("in the garden")
    await page.get_by_role("button", name="Save changes").click()
    await expect(page.get_by_role("status")).to_contain_text("The changes are saved")
    (project,) = (await served.client.get("/customvision/v3.3/training/projects")).json()
    assert (project["name"], project["description"]) == ("birds", "in the garden")
    assert project["settings"]["classificationType"] == "Multilabel"
    await page.get_by_role("button", name="Delete project…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("0 images")
    await dialog.get_by_label("Type the project's name").fill("bird")
    await dialog.get_by_role("button", name="Delete project").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("not the project's name")
    await dialog.get_by_label("Type the project's name").fill("birds")
    await dialog.get_by_role("button", name="Delete project").click()
    await expect(page.get_by_text("No project yet")).to_be_visible()
    assert (await served.client.get("/customvision/v3.3/training/projects")).json() == []


async def test_names_are_text_whatever_they_hold(visit: Visit, served: ServedGateway, keys: Keys) -> None:
    """Markup, text from right to left and emoji in a name are shown as they are, in the title as well."""
    page = visit.page
    for name in HOSTILE_NAMES:
        project = await make_project(served.project, name)
    await open_signed_in(page, keys)
    headings = page.get_by_role("heading", level=2)
    await expect(headings).to_have_count(len(HOSTILE_NAMES))
    assert sorted(await headings.all_text_contents()) == sorted(HOSTILE_NAMES)
    await page.goto(f"/projects/{project.project_id}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_NAMES[-1])
    assert HOSTILE_NAMES[-1] in await page.title()


async def test_a_card_shows_a_photo_and_what_there_is(visit: Visit, served: ServedGateway, keys: Keys) -> None:
    """A card has the project's thumbnail, and how many images and tags; back and forward move between screens."""
    page = visit.page
    project_id = (await make_project(served.project, "garden")).project_id
    await make_tag(served.project, project_id, "rose")
    await add_photos(served.project, project_id, [1, 2])
    await open_signed_in(page, keys)
    card = page.get_by_role("link", name="garden")
    await expect(card).to_contain_text("2 images · 1 tag")
    loaded = "image => image.decode().then(() => image.naturalWidth)"
    assert await card.locator("img").evaluate(loaded) > 0
    await card.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("garden")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Projects")


async def test_the_first_screen_waits_for_no_script_of_another(visit: Visit, keys: Keys) -> None:
    """The projects are shown before a script of another screen is asked for; those come afterwards."""
    page = visit.page
    await open_signed_in(page, keys)
    # What that page still asked for would be taken for the next one's.
    await page.goto("about:blank")
    happened: list[str] = []
    page.on("request", lambda request: happened.append(request.url))
    page.on("response", lambda response: happened.append(f"answered {response.url}"))
    async with page.expect_request("**/screens/images/images.js"):
        await page.goto("/")
    answered, *others = [
        index for index, what in enumerate(happened) if what.startswith("answered") and "ListProjects" in what
    ] + [index for index, what in enumerate(happened) if "/screens/images/" in what]
    assert others
    assert min(others) > answered


async def test_what_a_screen_asks_ends_with_it(visit: Visit, keys: Keys) -> None:
    """Going back while a dialog is open closes it: nothing of one screen lies over another."""
    page = visit.page
    await open_signed_in(page, keys, "/projects/00000000-0000-4000-8000-000000000000")
    visit.expect_told("404")
    await page.get_by_role("link", name="All projects").click()
    await page.get_by_role("button", name="New project").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_text("There is no project")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_server_that_is_away_is_told_in_a_sentence(visit: Visit, keys: Keys) -> None:
    """Signing in and out say that nothing answers, and work once something does."""
    page = visit.page
    told = page.get_by_text("The server cannot be reached.")
    await page.goto("/sign-in")
    await expect(page.get_by_label("Training key")).to_be_focused()
    await page.route("**/page/session", lambda route: route.abort())
    await page.get_by_label("Training key").fill(keys.training_key)
    await page.keyboard.press("Enter")
    await expect(told).to_be_visible()
    await page.unroute("**/page/session")
    await page.keyboard.press("Enter")
    await page.route("**/page/session", lambda route: route.abort())
    await page.get_by_role("button", name="Sign out").click()
    await expect(told).to_be_visible()
    visit.expect_told("ERR_FAILED", "The server cannot be reached.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone(visit: Visit, served: ServedGateway, keys: Keys, scheme: str) -> None:
    """On a phone no screen is wider than the phone, in either colour scheme."""
    page = visit.page
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    project = await make_project(served.project, "a" * 128)
    for path in ("/", f"/projects/{project.project_id}"):
        await open_signed_in(page, keys, path)
        await expect(page.get_by_role("heading", name="a" * 128)).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_what_is_not_there_is_told_with_a_way_on(visit: Visit, keys: Keys) -> None:
    """A project that is gone is told in the service's own sentence; a mistyped address, in one that leads home."""
    page = visit.page
    await open_signed_in(page, keys, "/projects/00000000-0000-4000-8000-000000000000")
    await expect(page.get_by_text("There is no project")).to_be_visible()
    for path, status in (("/projects/a/b/c", 200), ("/project", 404)):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == status
        await expect(page.get_by_text("There is nothing at this address.")).to_be_visible()
    visit.expect_told("404")
    await page.get_by_role("link", name="All projects").click()
    await expect(page.get_by_text("No project yet")).to_be_visible()
