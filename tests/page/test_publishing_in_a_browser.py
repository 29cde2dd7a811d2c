"""Publishing, exporting, renaming and deleting iterations in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from playwright.async_api import Route, expect

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.v1 import iterations_pb2, prediction_service_pb2, training_service_pb2
from measured_project import Measured, card, measured_project
from page_visit import Visit, open_signed_in
from running_gateway import ServedGateway
from scripted_evaluations import drawn_evaluation
from scripted_kept_exports import ZIP

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


async def test_an_iteration_is_published_replaced_and_rolled_back(visit: Visit, measured: Measured) -> None:
    """A name that is taken is given over only after saying what it replaces; going back names an older iteration."""
    page = visit.page
    await measured.open(page)
    service, dialog = card(page, "In service"), page.get_by_role("dialog")
    await page.get_by_role("link", name="Iteration 1").click()
    await expect(page.get_by_role("heading", name="Iteration 1")).to_be_visible()
    await service.get_by_role("button", name="Publish…", exact=True).click()
    await dialog.get_by_role("button", name="Publish").click()
    await expect(service).to_contain_text("The prediction service has not heard of it yet.")
    assert (await measured.iteration(1)).publish_name == "production"

    await page.get_by_role("link", name="Iteration 2").click()
    await service.get_by_role("button", name="Publish under another name…").click()
    await dialog.get_by_label("Publish name").fill("production")
    await dialog.get_by_role("button", name="Publish").click()
    await expect(dialog).to_contain_text("Now Iteration 1 answers as production.")
    assert (await measured.iteration(2)).publish_name == ""
    await dialog.get_by_role("button", name="Replace").click()
    await expect(service).to_contain_text("Answers as production.")
    await expect(page.get_by_role("heading", name="Iteration 2")).to_be_focused()
    assert [(await measured.iteration(number)).publish_name for number in (1, 2)] == ["", "production"]

    await service.get_by_role("button", name="Roll back…").click()
    await dialog.get_by_role("button", name="Roll back").click()
    await expect(service.get_by_role("button", name="Publish in place of Iteration 1…")).to_be_visible()
    assert [(await measured.iteration(number)).publish_name for number in (1, 2)] == ["production", ""]

    await page.get_by_role("link", name="Iteration 1").click()
    await service.get_by_role("button", name="Unpublish…").click()
    await dialog.get_by_role("button", name="Unpublish").click()
    await expect(service.get_by_role("button", name="Publish…", exact=True)).to_be_visible()
    assert (await measured.iteration(1)).publish_name == ""


async def test_the_served_model_is_followed_until_it_answers(visit: Visit, measured: Measured) -> None:
    """While it is loaded the one before answers, which is said; then that it answers, or why it cannot."""
    page, newest = visit.page, measured.iteration_ids[2]
    publication = iterations_pb2.PublishIterationRequest(
        project_id=measured.project_id, iteration_id=newest, publish_name="production"
    )
    await measured.served.project.PublishIteration(publication)
    model = prediction_service_pb2.ServedModel(
        publish_name="production",
        iteration_id=newest,
        serving_iteration_id=measured.iteration_ids[0],
        state=prediction_service_pb2.MODEL_STATE_LOADING,
        resident=True,
    )
    measured.models.append(model)
    await measured.open(page)
    service = card(page, "In service")
    await expect(service).to_contain_text("It is being loaded. Until then Iteration 1 answers.")
    model.state, model.serving_iteration_id = prediction_service_pb2.MODEL_STATE_AVAILABLE, newest
    model.load_time.GetCurrentTime()
    await expect(service).to_contain_text("It is loaded and answers since")
    model.state, model.failure_reason = prediction_service_pb2.MODEL_STATE_FAILED, "Its file is damaged."
    await page.reload()
    await expect(service).to_contain_text("It could not be loaded: Its file is damaged.")


async def test_an_export_is_made_and_downloaded(visit: Visit, measured: Measured) -> None:
    """Asked for, it is shown as being made, then as a link to the zip; one that failed says why and can be repeated."""
    page = visit.page
    await measured.open(page)
    exports = card(page, "Export")
    await exports.get_by_role("button", name="Export: ONNX").click()
    await expect(exports.get_by_role("progressbar", name="ONNX is being made")).to_be_visible()
    measured.exports.state = training_service_pb2.EXPORT_STATE_DONE
    link = exports.get_by_role("link", name="Download ONNX")
    await expect(link).to_be_visible()
    async with page.expect_download() as begun:
        await link.click()
    download = await begun.value
    assert download.suggested_filename == "Itération 1.zip"
    assert (await asyncio.to_thread((await download.path()).read_bytes)) == ZIP
    measured.exports.state = training_service_pb2.EXPORT_STATE_FAILED
    await page.reload()
    await expect(exports).to_contain_text("the format cannot hold")
    await expect(exports.get_by_role("button", name="Try again: ONNX")).to_be_visible()


async def test_an_export_is_followed_over_an_absence(visit: Visit, measured: Measured) -> None:
    """Where the service is away while an export is made, the page goes on asking, and shows it once it is done."""
    page = visit.page
    await measured.open(page)
    exports = card(page, "Export")
    away = asyncio.Event()

    async def refuse(route: Route) -> None:
        away.set()
        await route.fulfill(status=503, json={"code": "UNAVAILABLE", "message": "away"})

    await exports.get_by_role("button", name="Export: ONNX").click()
    await expect(exports.get_by_role("progressbar", name="ONNX is being made")).to_be_visible()
    await page.route("**/training/ListExports", refuse)
    await asyncio.wait_for(away.wait(), 30)
    measured.exports.state = training_service_pb2.EXPORT_STATE_DONE
    await page.unroute("**/training/ListExports")
    await expect(exports.get_by_role("link", name="Download ONNX")).to_be_visible()
    visit.expect_told("503")


async def test_iterations_are_renamed_and_deleted(visit: Visit, measured: Measured) -> None:
    """A new name is shown everywhere; deleting one leads to the newest that is left; what was not measured says so."""
    page = visit.page
    none = replace(drawn_evaluation(3, measured.image_ids), image_ids=())
    measured.evaluations[measured.iteration_ids[1]] = replace(
        none, truth=none.truth[:0], probabilities=none.probabilities[:0]
    )
    await measured.open(page)
    await page.get_by_role("button", name="Rename…").click()
    await page.get_by_role("dialog").get_by_label("Name").fill(HOSTILE)
    await page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    await expect(page.get_by_role("navigation", name="Iterations").get_by_role("link", name=HOSTILE)).to_be_visible()
    await page.get_by_role("button", name="Delete…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete iteration").click()
    await expect(page.get_by_role("heading", name="Iteration 2")).to_be_visible()
    await expect(card(page, "Figures")).to_contain_text("nothing measures this model")
    await expect(page.get_by_text("There is no curve without held-out images.")).to_be_visible()


async def test_publishing_goes_on_while_nothing_can_be_measured(visit: Visit, measured: Measured) -> None:
    """Where the training service fails, that is told in place of the figures; they come when it is asked again."""
    page, newest = visit.page, measured.iteration_ids[2]
    lost = measured.evaluations.pop(newest)
    await open_signed_in(page, measured.keys, f"/projects/{measured.project_id}/performance")
    await expect(page.get_by_role("heading", name="No figures now")).to_be_visible()
    await card(page, "In service").get_by_role("button", name="Publish…", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    await expect(card(page, "In service")).to_contain_text("Answers as production.")
    measured.evaluations[newest] = lost
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Figures", exact=True)).to_be_visible()
    # Browsers write every answer of 5xx into the console.
    visit.expect_told("500")
