"""Training in a real browser: what lacks, runs as they go, connections that break, and what came of it."""

import asyncio
import re
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest
from playwright.async_api import Browser, Page, expect

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.v1 import iterations_pb2
from customvision.v1 import training_service_pb2 as training
from page_visit import Visit, open_signed_in, visiting
from prepared_backbone import prepare_built_in_backbone
from project_calls import make_project
from running_gateway import gateway, served_gateway
from scripted_server import ScriptedCall
from scripted_training import ScriptChild, script_child_in
from training_suite import TrainingSuite, colored_photos

PATIENCE_SECONDS = 30.0
RUN = "11111111-1111-4111-8111-111111111111"
FINE_TUNES_UNTIL_TOLD = """
    step = {"epochs": 8, "batches": 4, "learning_rate": 1e-4, "course": "trial", "repeats": 5, "seconds_left": 42.0}
    for epoch in (1, 2):
        for batch in (1, 2, 3, 4):
            figures = {"loss": 1 / epoch, "accuracy": 0.25 * epoch}
            held_out = {"held_out_loss": 1 / epoch, "held_out_accuracy": 0.25} if batch == 4 else {}
            reports.send("fine_tuning", epoch=epoch, batch=batch, **step, **figures, **held_out)
    while not Path("GATE").exists():
        time.sleep(0.02)
    reports.send("impossible", reason="There was <b>nothing</b> to learn.")
"""
WAITS = """
    progress(reports, phase="embedding_images", done=30, total=40)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of prepared backbones that holds the built-in one."""
    return prepare_built_in_backbone(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
async def suite(settings: Settings, keys: Keys, prepared_folder: Path) -> AsyncIterator[TrainingSuite]:
    """Project and training, both serving."""
    shutil.copytree(prepared_folder, settings.home / "training" / "backbones")
    suite = TrainingSuite(settings, keys)
    try:
        await suite.start_project()
        await suite.start_training()
        yield suite
    finally:
        await suite.stop_training()
        await suite.stop_project()


@pytest.fixture
def script_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptChild:
    """Scripts the processes of runs."""
    (tmp_path / "modules").mkdir()
    return script_child_in(tmp_path / "modules", monkeypatch)


@pytest.fixture
async def visit(browser: Browser, suite: TrainingSuite, keys: Keys) -> AsyncIterator[Visit]:
    """A browser on a gateway before both."""
    async with gateway(suite.settings, keys) as client, visiting(browser, str(client.base_url)) as visit:
        yield visit


async def open_training(page: Page, keys: Keys, project_id: str) -> None:
    """Opens the training screen of a project."""
    await open_signed_in(page, keys, f"/projects/{project_id}/training")


async def test_a_classifier_is_trained_and_trained_again(visit: Visit, suite: TrainingSuite, keys: Keys) -> None:
    """What lacks is told per tag; then it trains, once however often one clicks, and again with what that brought."""
    page = visit.page
    project_id, _ = await suite.colored_project(per_tag=7)
    dahlia = await suite.create_tag(project_id, "dahlia")
    await suite.upload(project_id, colored_photos(2, 3), dahlia)
    await suite.upload(project_id, colored_photos(3, 1))
    await open_training(page, keys, project_id)
    await expect(page.get_by_text("Tag 'dahlia' has 3 images; training needs at least 5 per tag.")).to_be_visible()
    await expect(page.get_by_role("list", name="What still lacks")).to_have_text("dahlia needs 2 more images")
    await expect(page.get_by_text("1 image without a tag")).to_be_visible()
    train = page.get_by_role("button", name="Train", exact=True)
    await expect(train).to_be_disabled()
    await suite.upload(project_id, colored_photos(2, 4, first=10), dahlia)
    await page.reload()
    await expect(page.get_by_text("Ready to train with 3 tags.")).to_be_visible()
    await train.dblclick()
    await expect(page.get_by_role("heading", name=re.compile("^Trained in"))).to_be_visible()
    await expect(page.get_by_text("Average precision")).to_be_visible()
    await expect(page.get_by_role("list", name="Parts of the training").locator(".done")).to_have_count(6)
    await expect(page.get_by_text("Nothing changed since Iteration 1")).to_be_visible()
    await page.get_by_role("button", name="Train all the same").click()
    await expect(
        page.get_by_text(re.compile("^Against Iteration 1, on the .* photos? that neither learned from"))
    ).to_be_visible()
    runs = (await suite.training.ListTrainingRuns(training.ListTrainingRunsRequest())).training_runs
    assert [run.iteration_name for run in runs] == ["Iteration 2", "Iteration 1"]
    await page.get_by_role("link", name="See how it does, and publish it").click()
    await expect(page).to_have_url(re.compile(f"/projects/{project_id}/performance/{runs[0].iteration_id}$"))


async def test_what_lacks_fits_a_phone_whatever_tags_are_called(visit: Visit, suite: TrainingSuite, keys: Keys) -> None:
    """A tag's name without a space, as long as names may be, makes the screen no wider than a phone."""
    page = visit.page
    await page.set_viewport_size({"width": 390, "height": 844})
    project_id, _ = await suite.colored_project(per_tag=5)
    await suite.upload(project_id, colored_photos(2, 3), await suite.create_tag(project_id, "x" * 128))
    await open_training(page, keys, project_id)
    await expect(page.get_by_text("has 3 images; training needs at least 5 per tag.")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_what_is_chosen_is_what_is_trained(
    visit: Visit, suite: TrainingSuite, keys: Keys, script_child: ScriptChild
) -> None:
    """Budget, tags and what is chosen besides reach the run; what the service says against a choice is told at once."""
    page = visit.page
    script_child(WAITS)
    project_id, tag_ids = await suite.colored_project(per_tag=5, tags=3)
    await open_training(page, keys, project_id)
    await page.get_by_text("All tags").click()
    await page.get_by_role("checkbox", name="color 0").check()
    await expect(page.get_by_text("only tag 'color 0' is selected. Select another one.")).to_be_visible()
    await page.get_by_role("checkbox", name="color 2").check()
    await page.get_by_role("radio", name="Advanced").check()
    await page.get_by_label("Budget in minutes").fill("2.5")
    await expect(page.get_by_text("Ready to train with 2 tags.")).to_be_visible()
    await page.get_by_role("button", name="Train", exact=True).click()
    await expect(page.get_by_text("30 of 40 photos")).to_be_visible()
    (run,) = (await suite.training.ListTrainingRuns(training.ListTrainingRunsRequest())).training_runs
    assert run.training_type == iterations_pb2.TRAINING_TYPE_ADVANCED
    assert run.training_budget.ToTimedelta().total_seconds() == 150
    assert list(run.selected_tag_ids) == [tag_ids[0], tag_ids[2]]
    await page.get_by_role("button", name="Cancel training").click()
    await expect(page.get_by_role("heading", name="It was cancelled")).to_be_visible()
    await expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    assert (await suite.run(run.training_run_id)).state == training.TRAINING_STATE_CANCELLED


async def test_a_run_is_followed_across_reloads_and_restarts(
    browser: Browser, suite: TrainingSuite, keys: Keys, script_child: ScriptChild, tmp_path: Path
) -> None:
    """Its curves are there again after a reload, after the gateway was away and after training was; its end is told."""
    gate = tmp_path / "gate"
    script_child(FINE_TUNES_UNTIL_TOLD.replace("GATE", str(gate)))
    project_id, _ = await suite.colored_project(per_tag=5)
    await suite.start_advanced(project_id)
    async with AsyncExitStack() as serving:
        client = await serving.enter_async_context(gateway(suite.settings, keys))
        async with visiting(browser, str(client.base_url)) as visit:
            page = visit.page
            await open_training(page, keys, project_id)
            await expect_two_epochs(page)
            await page.reload()
            await expect_two_epochs(page)
            await serving.aclose()
            await expect(page.get_by_text("The connection is lost; reconnecting…")).to_be_visible()
            port = int(client.base_url.port or 0)
            await serving.enter_async_context(gateway(suite.settings, keys, port=port))
            await expect(page.get_by_text("The connection is lost")).to_be_hidden()
            await expect_two_epochs(page)
            await suite.stop_training()
            await expect(page.get_by_text("The connection is lost; reconnecting…")).to_be_visible()
            await suite.start_training()
            await expect(page.get_by_text("The connection is lost")).to_be_hidden()
            await expect_two_epochs(page)
            gate.touch()
            await expect(page.get_by_role("heading", name="It failed")).to_be_visible()
            await expect(page.get_by_text("There was <b>nothing</b> to learn.")).to_have_count(2)
            await expect(page.locator(".chart-line")).to_have_count(4)
            # Browsers write into the console that a server is away.
            visit.expect_told("ERR_", "503")


async def expect_two_epochs(page: Page) -> None:
    """Expects the curves of two epochs, each with its point once."""
    figures = "Trial: photos learned from: 0.500 at epoch 2; Trial: held-out photos: 0.500 at epoch 2."
    await expect(page.get_by_role("img", name=f"Loss by epoch. {figures}")).to_be_visible()
    await expect(page.get_by_text("Trial, epoch 2 of 8 · about 42 s left")).to_be_visible()
    points = await page.locator(".chart-line").evaluate_all("lines => lines.map(line => line.points.numberOfItems)")
    assert points == [2, 2, 2, 2]


async def test_thousands_of_events_come_once_and_stay_small(browser: Browser, settings: Settings, keys: Keys) -> None:
    """A watch that breaks goes on after the last event seen; curves have a point an epoch; leaving ends the watch."""
    begins, gone = threading.Event(), threading.Event()
    own = training.TrainingRun(training_run_id=RUN, iteration_name="Iteration 1", state=training.TRAINING_STATE_QUEUED)
    own.create_time.GetCurrentTime()
    others = [
        training.TrainingRun(training_run_id=str(state), state=state)
        for state in (
            training.TRAINING_STATE_SUCCEEDED,
            training.TRAINING_STATE_QUEUED,
            training.TRAINING_STATE_RUNNING,
        )
    ]

    def runs(call: ScriptedCall) -> training.ListTrainingRunsResponse:
        own.project_id = call.request.project_id
        return training.ListTrainingRunsResponse(training_runs=[own, *([] if call.request.project_id else others)])

    def watch(call: ScriptedCall) -> Iterator[training.TrainingEvent]:
        if call.number == 1:
            yield event(1, training.TRAINING_STATE_QUEUED, state_change=training.StateChange())
            begins.wait(PATIENCE_SECONDS)
            yield from (batch(number) for number in range(2, 8))
            call.fail(grpc.StatusCode.UNAVAILABLE)
        call.context.add_callback(gone.set)
        yield from (batch(number) for number in range(call.request.after_sequence + 1, 3002))
        gone.wait(PATIENCE_SECONDS)

    scripts = {"ListTrainingRuns": runs, "WatchTraining": watch}
    async with served_gateway(settings, keys, scripts) as served, visiting(browser, str(served.bare.base_url)) as visit:
        page = visit.page
        project_id = (await make_project(served.project)).project_id
        await open_training(page, keys, project_id)
        await expect(page.get_by_text("Waiting for its turn. 2 trainings come first.")).to_be_visible()
        begins.set()
        await expect(page.get_by_text("Repeat 1 of 2, epoch 3 of 3")).to_be_visible()
        points = await page.locator(".chart-line").evaluate_all("lines => lines.map(line => line.points.numberOfItems)")
        assert points == [3, 3]
        assert [request.after_sequence for request in served.requests("WatchTraining")] == [0, 6]
        await page.get_by_role("link", name="Settings").click()
        await expect(page.get_by_role("button", name="Save changes")).to_be_visible()
        assert await asyncio.to_thread(gone.wait, PATIENCE_SECONDS)


def event(sequence: int, state: training.TrainingState.ValueType, **detail: object) -> training.TrainingEvent:
    """Returns an event of the run."""
    return training.TrainingEvent(training_run_id=RUN, sequence=sequence, state=state, **detail)  # type: ignore[arg-type]


def batch(sequence: int) -> training.TrainingEvent:
    """Returns the event of a batch: a thousand to each of three epochs, from sequence 2 on."""
    epoch, number = divmod(sequence - 2, 1000)
    progress = training.FineTuningProgress(
        course=training.FINE_TUNING_COURSE_REPEAT, repeat=1, repeats=2, epoch=epoch + 1, epochs=3,
        batch=number + 1, batches=1000, loss=1.0, accuracy=0.5,
    )  # fmt: skip
    return event(sequence, training.TRAINING_STATE_RUNNING, fine_tuning=progress)
