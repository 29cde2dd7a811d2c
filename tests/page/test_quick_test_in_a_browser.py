"""Quick tests in a real browser: photos and addresses in, answers of a scripted model out."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from playwright.async_api import Locator, Page, expect

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.v1 import iterations_pb2, prediction_service_pb2, stored_predictions_pb2
from page_visit import Visit, open_signed_in
from pictures import photo
from project_calls import complete, freeze, make_trainable
from running_gateway import ServedGateway, served_gateway
from scripted_server import ScriptedCall

HOSTILE_TAG = "<img src=x onerror=alert(1)>"
REFUSED_URL = "The URL leads to an address of a private network, which is not fetched from."
BUSY, DAMAGED = "Too many predictions wait already; try again later.", "The image is damaged."
# A photo as the browser has it when it is dropped or pasted, in place of a hand that does it.
HAND_OVER = """
async ([kind, bytes, names]) => {
    const carried = new DataTransfer();
    for (const name of names) carried.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
    const event = kind === "drop"
        ? new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
    document.querySelector(".quick-test").dispatchEvent(event);
}
"""


class ScriptedModel:
    """Answers with its one tag; refuses what cannot be read, private addresses, and, once, whoever it is told to."""

    def __init__(self) -> None:
        self.is_busy = False

    def predict(self, call: ScriptedCall) -> prediction_service_pb2.PredictResponse:
        """Answers or refuses a question."""
        question = call.request
        if self.is_busy:
            self.is_busy = False
            call.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, BUSY)
        if question.image_url.startswith("http://10."):
            call.fail(grpc.StatusCode.INVALID_ARGUMENT, REFUSED_URL)
        if question.image_data and not question.image_data.startswith(b"\xff\xd8"):
            call.fail(grpc.StatusCode.INVALID_ARGUMENT, DAMAGED)
        tag = stored_predictions_pb2.TagProbability(tag_id="t", tag_name=HOSTILE_TAG, probability=0.75)
        return prediction_service_pb2.PredictResponse(
            iteration_id=question.iteration_id,
            publish_name=question.publish_name,
            predictions=[tag],
            prediction_id="p" if question.store else "",
        )


@pytest.fixture
def model() -> ScriptedModel:
    """The model that answers."""
    return ScriptedModel()


@pytest.fixture
async def served(settings: Settings, keys: Keys, model: ScriptedModel) -> AsyncIterator[ServedGateway]:
    """A gateway before a project service and the scripted model."""
    async with served_gateway(settings, keys, {"Predict": model.predict}) as gateway:
        yield gateway


async def open_quick_test(page: Page, served: ServedGateway, keys: Keys) -> tuple[str, list[Any]]:
    """Opens the quick test of a project with two iterations, the first published; returns its id and both."""
    project_id, _ = await make_trainable(served.project)
    iterations = [
        await complete(served.project, await freeze(served.project, project_id, force=True)) for _ in range(2)
    ]
    await served.project.PublishIteration(
        iterations_pb2.PublishIterationRequest(
            project_id=project_id, iteration_id=iterations[0].iteration_id, publish_name="garden"
        )
    )
    await open_signed_in(page, keys, f"/projects/{project_id}/quick-test")
    return project_id, iterations


async def choose(page: Page, *files: Path) -> None:
    """Chooses photos with the button for it."""
    await page.locator("input[type=file]").set_input_files(files)


def answers(page: Page) -> Locator:
    """Returns what finds the answers, newest first."""
    return page.get_by_role("list", name="Answers").locator("> li")


async def test_photos_are_answered_however_they_come(
    visit: Visit, served: ServedGateway, keys: Keys, tmp_path: Path
) -> None:
    """Chosen, dropped and pasted photos are shown and answered by the newest iteration; nothing is kept unasked."""
    page = visit.page
    _, (_, newest) = await open_quick_test(page, served, keys)
    (tmp_path / "<b>rose.jpg").write_bytes(photo(1))
    await choose(page, tmp_path / "<b>rose.jpg")
    await expect(answers(page)).to_contain_text(["Answered by Iteration 2"])
    await page.evaluate(HAND_OVER, ["drop", [*photo(2)], ["one.jpg", "two.jpg"]])
    await page.evaluate(HAND_OVER, ["paste", [*photo(3)], ["image.png"]])
    await expect(answers(page)).to_contain_text(["image.png", "one.jpg", "two.jpg", "<b>rose.jpg"])
    await expect(answers(page).get_by_text(HOSTILE_TAG, exact=True)).to_have_count(4)
    loaded = "images => images.every(image => image.complete && image.naturalWidth && image.src.startsWith('blob:'))"
    assert await answers(page).locator("img").evaluate_all(loaded)
    questions = served.requests("Predict")
    assert [question.image_data for question in questions] == [photo(seed) for seed in (1, 2, 2, 3)]
    assert {(question.iteration_id, question.store) for question in questions} == {(newest.iteration_id, False)}


async def test_an_address_is_fetched_by_the_service(visit: Visit, served: ServedGateway, keys: Keys) -> None:
    """A published model is asked by its name and what is kept says where; a refused address is told in its sentence."""
    page = visit.page
    project_id, _ = await open_quick_test(page, served, keys)
    await page.get_by_label("Model").select_option("garden · Iteration 1")
    await page.get_by_label("Keep photo and answer").check()
    await page.get_by_label("the address of a photo").fill("http://photos.example/rose.jpg")
    await page.get_by_role("button", name="Ask").click()
    await expect(answers(page)).to_contain_text(["Kept under Predictions"])
    await page.get_by_label("the address of a photo").fill("http://10.0.0.1/rose.jpg")
    await page.keyboard.press("Enter")
    await expect(answers(page).first).to_contain_text(REFUSED_URL)
    visit.expect_told("400")
    question, _ = served.requests("Predict")
    assert (question.project_id, question.publish_name, question.iteration_id) == (project_id, "garden", "")
    assert (question.image_url, question.store, question.application) == (
        "http://photos.example/rose.jpg", True, "Quick test"
    )  # fmt: skip


async def test_what_goes_wrong_is_told_beside_the_photo_and_the_others_go_on(
    visit: Visit, served: ServedGateway, keys: Keys, model: ScriptedModel, tmp_path: Path
) -> None:
    """A busy server, a damaged photo and an empty file have a sentence each; asked again, the first is answered."""
    page = visit.page
    await open_quick_test(page, served, keys)
    contents = {"busy.jpg": photo(1), "damaged.jpg": b"no photo", "empty.jpg": b"", "fine.jpg": photo(2)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    model.is_busy = True
    await choose(page, *(tmp_path / name for name in contents))
    await expect(answers(page)).to_contain_text([BUSY, DAMAGED, "The file is empty", "75.0%"])
    await answers(page).first.get_by_role("button", name="Ask again").click()
    await expect(answers(page).first).to_contain_text("75.0%")
    visit.expect_told("429", "400")


async def test_where_nothing_is_trained_the_way_leads_to_training(
    visit: Visit, served: ServedGateway, keys: Keys
) -> None:
    """A project without a completed iteration says so, with a link to its training."""
    page = visit.page
    project_id, _ = await make_trainable(served.project)
    await freeze(served.project, project_id)
    await open_signed_in(page, keys, f"/projects/{project_id}/quick-test")
    await expect(page.get_by_role("heading", name="Nothing is trained yet")).to_be_visible()
    train = page.get_by_role("link", name="Train this project")
    await expect(train).to_have_attribute("href", f"/projects/{project_id}/training")
