"""A project whose iterations are measured, served and exported as a test says, before a browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.evaluation.performance import Evaluation
from customvision.v1 import iterations_pb2, prediction_service_pb2
from page_visit import open_signed_in
from project_calls import add_photos, complete, freeze, make_project, make_tag
from running_gateway import ServedGateway, served_gateway
from scripted_evaluations import drawn_evaluation, evaluation_scripts
from scripted_kept_exports import KeptExports
from scripted_server import ScriptedCall

# The machine may be busy with other tests.
expect.set_options(timeout=30_000)
PHOTOS = 12


@dataclass
class Measured:
    """A project with three completed iterations, oldest first, of which a test says how they do and are served."""

    served: ServedGateway
    keys: Keys
    project_id: str
    image_ids: list[str]
    iteration_ids: list[str]
    evaluations: dict[str, Evaluation]
    models: list[prediction_service_pb2.ServedModel]
    exports: KeptExports

    async def open(self, page: Page, evaluation: Evaluation | None = None) -> None:
        """Opens the newest iteration."""
        if evaluation:
            self.evaluations[self.iteration_ids[-1]] = evaluation
        await open_signed_in(page, self.keys, f"/projects/{self.project_id}/performance")
        await expect(page.get_by_role("heading", name="Figures")).to_be_visible()

    async def iteration(self, number: int) -> iterations_pb2.Iteration:
        """Returns an iteration, counted from 1, as it is now."""
        request = iterations_pb2.GetIterationRequest(
            project_id=self.project_id, iteration_id=self.iteration_ids[number - 1]
        )
        return await self.served.project.GetIteration(request)


@asynccontextmanager
async def measured_project(settings: Settings, keys: Keys) -> AsyncIterator[Measured]:
    """Serves a project with photos and iterations, and scripts that measure them."""
    evaluations: dict[str, Evaluation] = {}
    models: list[prediction_service_pb2.ServedModel] = []
    exports = KeptExports()

    def list_models(_: ScriptedCall) -> prediction_service_pb2.ListModelsResponse:
        return prediction_service_pb2.ListModelsResponse(models=models)

    scripts = evaluation_scripts(evaluations) | exports.scripts | {"ListModels": list_models}
    async with served_gateway(settings, keys, scripts) as served:
        project_id = (await make_project(served.project)).project_id
        image_ids = []
        for number, name in enumerate(("dahlia", "rose")):
            tag_id = await make_tag(served.project, project_id, name)
            seeds = range(PHOTOS // 2 * number, PHOTOS // 2 * (number + 1))
            image_ids += [image.image_id for image in await add_photos(served.project, project_id, seeds, [tag_id])]
        iteration_ids = []
        for seed in range(3):
            iteration = await freeze(served.project, project_id, force=True)
            await complete(served.project, iteration)
            iteration_ids.append(iteration.iteration_id)
            evaluations[iteration.iteration_id] = drawn_evaluation(3, image_ids, seed=seed)
        yield Measured(served, keys, project_id, image_ids, iteration_ids, evaluations, models, exports)


def percent(share: float) -> str:
    """Returns a share as the page writes it."""
    return f"{share:.1%}"


def card(page: Page, title: str) -> Locator:
    """Returns a part of the screen by its heading."""
    return page.get_by_role("region", name=title)
