"""Project and training in this process, on one home, as tests drive them."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.server import Server, ServiceDefinition
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service
from customvision.training.wiring import open_training_service
from customvision.v1 import images_pb2, iterations_pb2, projects_pb2, tags_pb2, training_service_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.v1.training_service_pb2_grpc import TrainingServiceStub
from pictures import photo

COLORS = ((200, 40, 40), (40, 180, 60), (50, 60, 200), (200, 190, 40))
BATCH = 50
# What is cancelled ends within two; a machine that is busy with other tests has more.
SOON_SECONDS = 10.0
FINAL = (
    training_service_pb2.TRAINING_STATE_SUCCEEDED,
    training_service_pb2.TRAINING_STATE_FAILED,
    training_service_pb2.TRAINING_STATE_CANCELLED,
)


class TrainingSuite:
    """Both services, each of which a test may stop and start again; their addresses stay."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        self.settings = settings
        self.keys = keys
        self._project = AsyncExitStack()
        self._training = AsyncExitStack()

    async def start_project(self) -> None:
        """Serves the project service."""
        definition = await self._project.enter_async_context(open_project_service(self.settings))
        address = await self._serve(self._project, definition, self.settings.project_address)
        self.settings = replace(self.settings, project_address=address)
        channel = await self._project.enter_async_context(open_channel(address, self.keys))
        self.project = ProjectServiceStub(channel)

    async def start_training(self) -> None:
        """Serves the training service."""
        definition = await self._training.enter_async_context(open_training_service(self.settings, self.keys))
        address = await self._serve(self._training, definition, self.settings.training_address)
        self.settings = replace(self.settings, training_address=address)
        channel = await self._training.enter_async_context(open_channel(address, self.keys))
        self.training = TrainingServiceStub(channel)

    async def stop_project(self) -> None:
        """Stops the project service."""
        await self._project.aclose()

    async def stop_training(self) -> None:
        """Stops the training service."""
        await self._training.aclose()

    async def create_project(self, *, multilabel: bool = False) -> str:
        """Creates a project and returns its id."""
        kind = (
            projects_pb2.CLASSIFICATION_TYPE_MULTILABEL if multilabel else projects_pb2.CLASSIFICATION_TYPE_MULTICLASS
        )
        request = projects_pb2.CreateProjectRequest(name="Colours", classification_type=kind)
        return (await self.project.CreateProject(request)).project_id

    async def create_tag(self, project_id: str, name: str) -> str:
        """Creates a tag and returns its id."""
        return (await self.project.CreateTag(tags_pb2.CreateTagRequest(project_id=project_id, name=name))).tag_id

    async def upload(self, project_id: str, photos: Sequence[bytes], *tag_ids: str) -> list[str]:
        """Uploads photos with these tags and returns the ids of the images."""
        ids: list[str] = []
        for start in range(0, len(photos), BATCH):
            request = images_pb2.CreateImagesRequest(
                project_id=project_id,
                images=[images_pb2.ImageUpload(image_data=data) for data in photos[start : start + BATCH]],
                tag_ids=tag_ids,
            )
            response = await self.project.CreateImages(request)
            assert all(result.status == images_pb2.IMAGE_CREATE_STATUS_OK for result in response.results)
            ids.extend(result.image_id for result in response.results)
        return ids

    async def colored_project(self, per_tag: int, tags: int = 2) -> tuple[str, list[str]]:
        """Creates a multiclass project with ``per_tag`` photos of each color; returns its id and the tags'."""
        project_id = await self.create_project()
        tag_ids = [await self.create_tag(project_id, f"color {number}") for number in range(tags)]
        for number, tag_id in enumerate(tag_ids):
            await self.upload(project_id, colored_photos(number, per_tag), tag_id)
        return project_id, tag_ids

    async def start(self, project_id: str, *, force: bool = False, request_id: str = "") -> str:
        """Starts a training and returns the run's id."""
        request = training_service_pb2.StartTrainingRequest(project_id=project_id, force=force, request_id=request_id)
        return (await self.training.StartTraining(request)).training_run_id

    async def start_advanced(self, project_id: str, seconds: int = 600, **fields: Any) -> str:
        """Starts an advanced training of so many seconds and returns the run's id."""
        request = training_service_pb2.StartTrainingRequest(
            project_id=project_id,
            training_type=iterations_pb2.TRAINING_TYPE_ADVANCED,
            training_budget=Duration(seconds=seconds),
            **fields,
        )
        return (await self.training.StartTraining(request)).training_run_id

    async def watch(self, run_id: str, after: int = 0) -> AsyncIterator[training_service_pb2.TrainingEvent]:
        """Yields a run's events."""
        request = training_service_pb2.WatchTrainingRequest(training_run_id=run_id, after_sequence=after)
        async for event in self.training.WatchTraining(request):
            yield event

    async def events(self, run_id: str, after: int = 0) -> list[training_service_pb2.TrainingEvent]:
        """Returns a run's events once it has ended."""
        async with asyncio.timeout(60):
            return [event async for event in self.watch(run_id, after) if not event.HasField("heartbeat")]

    async def run(self, run_id: str) -> training_service_pb2.TrainingRun:
        """Returns a run."""
        return await self.training.GetTrainingRun(training_service_pb2.GetTrainingRunRequest(training_run_id=run_id))

    async def cancel(self, run_id: str) -> training_service_pb2.TrainingRun:
        """Cancels a run."""
        return await self.training.CancelTraining(training_service_pb2.CancelTrainingRequest(training_run_id=run_id))

    async def finished(self, run_id: str) -> training_service_pb2.TrainingRun:
        """Returns a run once it has ended."""
        await self.events(run_id)
        return await self.run(run_id)

    async def reached(self, run_id: str, phase: training_service_pb2.TrainingPhase.ValueType) -> None:
        """Waits until a run is in a phase; fails where it ends before."""
        async with asyncio.timeout(30):
            async for event in self.watch(run_id):
                if event.progress.phase == phase:
                    return
        raise AssertionError("the run ended before it came that far")

    async def iteration(self, project_id: str, iteration_id: str) -> iterations_pb2.Iteration:
        """Returns an iteration."""
        return await self.project.GetIteration(
            iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=iteration_id)
        )

    async def iteration_with(
        self, project_id: str, iteration_id: str, status: iterations_pb2.IterationStatus.ValueType
    ) -> iterations_pb2.Iteration:
        """Returns an iteration once it has that status."""
        async with asyncio.timeout(15):
            while (iteration := await self.iteration(project_id, iteration_id)).status != status:
                await asyncio.sleep(0.02)
        return iteration

    async def _serve(self, stack: AsyncExitStack, definition: ServiceDefinition, address: str) -> str:
        server = Server(definition, address, KeyRing(self.keys))
        bound = await server.start()
        stack.push_async_callback(server.stop)
        return bound


def settings_of_own(home: Path, prepared_folder: Path) -> Settings:
    """Returns settings for services on port 0 in ``home``, which gets a copy of the prepared backbones."""
    shutil.copytree(prepared_folder, home / "training" / "backbones")
    nowhere = "127.0.0.1:0"
    return Settings(home, nowhere, nowhere, nowhere, nowhere, backbone_download=False, training_early_embedding=False)


@asynccontextmanager
async def running_training_suite(settings: Settings, keys: Keys) -> AsyncIterator[TrainingSuite]:
    """Serves project and training until the end."""
    suite = TrainingSuite(settings, keys)
    try:
        await suite.start_project()
        await suite.start_training()
        yield suite
    finally:
        await suite.stop_training()
        await suite.stop_project()


def colored_photos(color: int, count: int, *, first: int = 0) -> list[bytes]:
    """Returns photos of one color, every one different."""
    return [photo(1000 * color + number, color=COLORS[color]) for number in range(first, first + count)]


def computing_processes() -> list[psutil.Process]:
    """Returns the processes below this one that compute a run."""
    return [process for process in psutil.Process().children(recursive=True) if _computes(process)]


def _computes(process: psutil.Process) -> bool:
    # A process may end while it is looked at.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE and "customvision.training.computation" in process.cmdline()
    return False


def phases_of(events: Sequence[training_service_pb2.TrainingEvent]) -> dict[int, list[tuple[int, int]]]:
    """Returns done and total of every progress event, by phase."""
    phases: dict[int, list[tuple[int, int]]] = {}
    for event in events:
        if event.HasField("progress"):
            phases.setdefault(event.progress.phase, []).append((event.progress.done, event.progress.total))
    return phases


def reasons_of(events: Sequence[Message]) -> list[str]:
    """Returns the reasons of all changes of state that have one."""
    return [
        event.state_change.reason
        for event in events
        if isinstance(event, training_service_pb2.TrainingEvent) and event.state_change.reason
    ]
