"""How iterations do, in a real browser, by training's own measures of drawn answers."""

from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
from playwright.async_api import Browser, expect

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.evaluation.comparison import compare
from customvision.training.evaluation.image_results import wanted_rows
from customvision.training.evaluation.result_filter import ResultFilter
from customvision.v1 import images_pb2, iterations_pb2
from measured_project import Measured, card, measured_project, percent
from page_visit import Visit, open_signed_in
from project_calls import complete, freeze, image_list, make_project
from running_gateway import ServedGateway, gateway
from scripted_evaluations import drawn_evaluation
from training_suite import TrainingSuite

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
async def measured(settings: Settings, keys: Keys) -> AsyncIterator[Measured]:
    """A project with three completed iterations."""
    async with measured_project(settings, keys) as project:
        yield project


@pytest.fixture
async def served(measured: Measured) -> ServedGateway:
    """The gateway that the visit goes to."""
    return measured.served


async def test_the_threshold_redraws_the_figures(visit: Visit, measured: Measured) -> None:
    """Moved with the keyboard, it changes overall figures, the table and the mark on the curve of a chosen tag."""
    page = visit.page
    evaluation = replace(drawn_evaluation(3, measured.image_ids, sureness=1.0), tag_names=("rose", HOSTILE, "tulip"))
    await measured.open(page, evaluation)
    await page.get_by_label("Tag", exact=True).select_option(HOSTILE)
    slider = page.get_by_role("slider", name="Threshold")
    await slider.focus()
    for _ in range(30):
        await page.keyboard.press("ArrowRight")
    performance = evaluation.performance(0.8)
    assert performance.overall.precision != evaluation.performance(0.5).overall.precision
    overall, tag = performance.overall, performance.tags[1]
    await expect(card(page, "Figures").get_by_role("status").last).to_have_text(
        f"At 80%, {percent(overall.precision)} of the tags it gives are right, "
        f"and it finds {percent(overall.recall)} of those that there are."
    )
    row = card(page, "Tags").get_by_role("row", name=HOSTILE)
    figures = [percent(figure) for figure in (tag.precision, tag.recall, tag.average_precision)]
    await expect(row.get_by_role("cell")).to_have_text([str(tag.image_count), "4", *figures, "Wrong images"])
    summary = f"At a threshold of 80%, {HOSTILE}: precision {percent(tag.precision)}, recall {percent(tag.recall)}."
    await expect(page.get_by_role("img", name=summary)).to_be_visible()
    await expect(slider).to_have_attribute("aria-valuetext", "80%")
    await expect(card(page, "Figures")).to_contain_text("These are few")


async def test_tags_are_sorted_by_any_figure(visit: Visit, measured: Measured) -> None:
    """The worst come first, then the best; the heading says which."""
    page = visit.page
    await measured.open(page, evaluation := drawn_evaluation(3, measured.image_ids, seed=7, sureness=1.0))
    tags = sorted(evaluation.performance().tags, key=lambda tag: tag.average_precision)
    assert len({tag.average_precision for tag in tags}) == 3
    names = card(page, "Tags").get_by_role("rowheader")
    heading = card(page, "Tags").get_by_role("columnheader", name="Average precision")
    for direction, expected in (("ascending", tags), ("descending", tags[::-1])):
        await heading.get_by_role("button").click()
        await expect(names).to_have_text([tag.tag_name for tag in expected])
        await expect(heading).to_have_attribute("aria-sort", direction)


async def test_behind_a_field_of_the_matrix_are_its_images(visit: Visit, measured: Measured) -> None:
    """A field opens as many images as it counts, with what the model said; one that was deleted since is shown so."""
    page = visit.page
    truth = [[1, 0, 0]] * 3 + [[0, 1, 0]] * 9
    scores = [[0.2, 0.7, 0.1]] * 2 + [[0.8, 0.1, 0.1]] + [[0.1, 0.8, 0.1]] * 9
    evaluation = replace(
        drawn_evaluation(3, measured.image_ids),
        truth=np.array(truth, np.uint8),
        probabilities=np.array(scores, np.float32),
    )
    deletion = images_pb2.DeleteImagesRequest(project_id=measured.project_id, image_ids=[measured.image_ids[0]])
    await measured.served.project.DeleteImages(deletion)
    await measured.open(page, evaluation)
    results = card(page, "Wrong images")
    await expect(results.get_by_role("listitem").filter(has=page.get_by_text("The model said"))).to_have_count(2)
    await page.get_by_role("button", name="tag 1, told right: 9 images").focus()
    await page.keyboard.press("ArrowUp")
    field = page.get_by_role("button", name="tag 0 taken for tag 1: 2 images")
    await expect(field).to_be_focused()
    await page.keyboard.press("Enter")
    opened = card(page, "tag 0 taken for tag 1")
    await expect(opened.get_by_role("heading")).to_be_focused()
    await expect(opened.get_by_role("meter", name="tag 1")).to_have_count(2)
    await expect(opened.get_by_text("70.0%")).to_have_count(2)
    await expect(opened.get_by_text("This image was deleted since.")).to_have_count(1)
    loaded = "image => image.decode().then(() => image.naturalWidth)"
    assert await opened.locator("img").evaluate(loaded) > 0
    await opened.get_by_role("button", name="All wrong images").click()
    await expect(card(page, "Wrong images, the surest first")).to_contain_text("2 images")


async def test_several_tags_have_no_matrix_but_wrong_images_each(visit: Visit, measured: Measured) -> None:
    """Of each tag the images of which it was told wrong are shown, and follow the threshold; all come, page by page."""
    page = visit.page
    image_ids = measured.image_ids + [f"gone {number}" for number in range(120)]
    evaluation = drawn_evaluation(3, image_ids, multilabel=True, sureness=1.0)
    await measured.open(page, evaluation)
    await expect(page.get_by_role("heading", name="Confusion")).to_have_count(0)
    await page.get_by_role("button", name="Wrong images of tag 1").click()
    opened = card(page, "Wrong images of tag 1")
    wrong = {at: len(wanted_rows(evaluation, at, ResultFilter(wrong_tag_id="id of 1"))) for at in (0.5, 0.9)}
    assert wrong[0.5] != wrong[0.9]
    await expect(opened.get_by_role("status")).to_have_text(f"{wrong[0.5]} images")
    await page.get_by_role("slider", name="Threshold").fill("0.9")
    await expect(opened.get_by_role("status")).to_have_text(f"{wrong[0.9]} images")
    photos = opened.locator(".result")
    await expect(photos).to_have_count(min(wrong[0.9], 24))
    assert wrong[0.9] > 24
    await opened.get_by_role("button", name="Show more").click()
    await expect(photos).to_have_count(min(wrong[0.9], 48))


async def test_two_iterations_are_compared(visit: Visit, measured: Measured) -> None:
    """Figures stand side by side, with the images that changed and whether it may be chance; another says why not."""
    page = visit.page
    newer, older = (drawn_evaluation(3, measured.image_ids, seed=5, sureness=sureness) for sureness in (4.0, 0.5))
    measured.evaluations[measured.iteration_ids[0]] = older
    await measured.open(page, newer)
    comparison = card(page, "Compare")
    await comparison.get_by_label("With").select_option("Iteration 1")
    outcome = compare(newer, older, 0.5)
    assert outcome.improved_image_ids
    row = comparison.get_by_role("row", name="Accuracy")
    sides = [percent(outcome.metrics.accuracy), percent(outcome.other_metrics.accuracy)]
    await expect(row.get_by_role("cell")).to_have_text(sides)
    await expect(comparison).to_contain_text(f"{percent(outcome.chance_probability)} of cases")
    await expect(comparison.locator(".held-out-photo")).to_have_count(
        len(outcome.improved_image_ids) + len(outcome.worsened_image_ids)
    )


async def test_without_a_model_it_says_why_and_where_to_go(visit: Visit, measured: Measured) -> None:
    """A failed training is told with its reason; a project that was never trained leads to the training."""
    page, project = visit.page, measured.served.project
    iteration = await freeze(project, measured.project_id, force=True)
    failure = iterations_pb2.FailIterationRequest(
        project_id=measured.project_id, iteration_id=iteration.iteration_id, reason="The disk is full."
    )
    await project.FailIteration(failure)
    await measured.open(page)
    await expect(page.get_by_role("heading", name="Iteration 3")).to_be_visible()
    await page.get_by_role("link", name="Iteration 4").click()
    await expect(page.get_by_text("Its training failed: The disk is full.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Figures")).to_have_count(0)
    empty = (await make_project(project, "meadow")).project_id
    await page.goto(f"/projects/{empty}/performance")
    await expect(page.get_by_role("link", name="To the training")).to_have_attribute(
        "href", f"/projects/{empty}/training"
    )


async def test_many_tags_fit_a_phone(visit: Visit, measured: Measured) -> None:
    """With 50 tags the most frequent confusions come first; matrix and the longest names stay within their boxes."""
    page = visit.page
    await page.set_viewport_size({"width": 390, "height": 844})
    image_ids = measured.image_ids + [f"gone {number}" for number in range(500)]
    evaluation = drawn_evaluation(50, image_ids)
    evaluation = replace(evaluation, tag_names=("w" * 128, *evaluation.tag_names[1:]))
    await measured.open(page, evaluation)
    await page.get_by_label("Tag", exact=True).select_option("w" * 128)
    counts = evaluation.performance().confusion
    assert counts is not None
    most = max(count for row, of_row in enumerate(counts) for column, count in enumerate(of_row) if row != column)
    confusion = card(page, "Confusion")
    await expect(confusion.get_by_role("listitem").first).to_contain_text(f"{most} image")
    await confusion.get_by_role("button", name="Show all 50 tags as a matrix").click()
    await expect(confusion.get_by_role("columnheader")).to_have_count(50)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_the_training_service_tells_what_is_shown(browser: Browser, settings: Settings, keys: Keys) -> None:
    """Before real services: figures, curve, tags, matrix and wrong images come of an iteration's own evaluation."""
    suite = TrainingSuite(settings, keys)
    await suite.start_project()
    try:
        await suite.start_training()
        project_id, _ = await suite.colored_project(per_tag=6, tags=2)
        image_ids = [image.image_id for image in await image_list(suite.project, project_id)]
        evaluation = drawn_evaluation(2, image_ids, sureness=1.0)
        await complete(suite.project, await freeze(suite.project, project_id), evaluation=evaluation.to_bytes())
        async with gateway(suite.settings, keys) as client:
            address = str(client.base_url)
            context = await browser.new_context(base_url=address)
            visit = Visit(await context.new_page(), address)
            page = visit.page
            await open_signed_in(page, keys, f"/projects/{project_id}/performance")
            await page.get_by_role("slider", name="Threshold").fill("0.25")
            told = evaluation.performance(0.25)
            figures = (told.overall.precision, told.overall.recall, told.overall.average_precision)
            await expect(card(page, "Figures").locator(".ring-figure")).to_have_text(
                [percent(figure) for figure in (*figures, told.overall.accuracy)]
            )
            await page.get_by_label("Tag", exact=True).select_option("tag 1")
            await expect(page.get_by_role("img", name="At a threshold of 25%, tag 1")).to_be_visible()
            await expect(card(page, "Confusion").get_by_role("rowheader")).to_have_text(["tag 0", "tag 1"])
            await page.get_by_role("button", name="Wrong images of tag 0").click()
            wrong = wanted_rows(evaluation, 0.25, ResultFilter(wrong_tag_id="id of 0"))
            assert wrong
            await expect(card(page, "Wrong images of tag 0").locator("img")).to_have_count(len(wrong))
            await context.close()
        assert not visit.problems
    finally:
        await suite.stop_training()
        await suite.stop_project()
