"""Puts the project service together and takes it apart again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from customvision.common.background import in_background
from customvision.common.database import Database
from customvision.common.folder_lock import FolderLock
from customvision.common.message_room import MessageRoom
from customvision.common.notifier import Notifier
from customvision.common.reception import Reception
from customvision.common.server import TRAINING_KEY_ONLY, ServiceDefinition
from customvision.common.service_metrics import ServiceMetrics
from customvision.common.settings import Settings
from customvision.common.url_fetching.fetcher import UrlFetcher
from customvision.project.metrics import project_metrics
from customvision.project.servicer import ProjectServicer, UseCases
from customvision.project.store.blobs import BlobStore
from customvision.project.store.collector import Collector
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases.artifacts import Artifacts
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.image_intake import ImageIntake
from customvision.project.use_cases.images import Images
from customvision.project.use_cases.images_from_urls import ImagesFromUrls
from customvision.project.use_cases.iterations import Iterations
from customvision.project.use_cases.prediction_intake import PredictionIntake
from customvision.project.use_cases.project_copies import ProjectCopies
from customvision.project.use_cases.project_importing import ProjectImporter
from customvision.project.use_cases.projects import Projects
from customvision.project.use_cases.publishing import HEARTBEAT_SECONDS, Publishing
from customvision.project.use_cases.stored_predictions import StoredPredictions
from customvision.project.use_cases.suggestions import Suggestions
from customvision.project.use_cases.tags import Tags
from customvision.v1 import project_service_pb2, project_service_pb2_grpc

DATABASE = "project.sqlite"
FULL_NAME: str = project_service_pb2.DESCRIPTOR.services_by_name["ProjectService"].full_name
# What carries images in one message, each of up to 32 MiB.
RECEIVED = frozenset({f"/{FULL_NAME}/CreateImages", f"/{FULL_NAME}/RecordPredictions"})
RECEIVED_AT_ONCE = 4
# What they may hold until they are answered, beside those that are just coming.
RECEIVED_BYTES = 64 * 1024 * 1024


@contextlib.asynccontextmanager
async def open_project_service(
    settings: Settings, *, heartbeat_seconds: float = HEARTBEAT_SECONDS
) -> AsyncIterator[ServiceDefinition]:
    """Opens the project service's data folder and yields what a server needs to serve it.

    ``heartbeat_seconds`` is how long a watch may stay silent.
    Raises ConfigurationError where the folder is in use or cannot be used.
    """
    folder = settings.folder("project")
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(FolderLock(folder, user="serve project").release)
        database = Database(folder / DATABASE, MIGRATIONS)
        stack.callback(database.close)
        blobs = BlobStore(folder / "blobs")
        stack.callback(blobs.close)
        notifier = Notifier()
        arrivals = ImageArrivals(database, notifier, heartbeat_seconds=heartbeat_seconds)
        intake = ImageIntake(database, blobs, arrivals)
        stack.callback(intake.close)
        fetcher = UrlFetcher(settings.url_allowed_hosts)
        stack.callback(fetcher.close)
        importer = ProjectImporter(database, blobs, arrivals)
        copies = ProjectCopies(database, importer.announce)
        await stack.enter_async_context(in_background(importer.run()))
        collector = Collector(database, blobs, retention_seconds=settings.prediction_retention_seconds)
        collecting = asyncio.create_task(collector.run())
        stack.push_async_callback(_end, collecting)
        publishing = Publishing(database, notifier, heartbeat_seconds=heartbeat_seconds)
        use_cases = _use_cases(database, blobs, intake, fetcher, arrivals, publishing, copies)
        yield _definition(use_cases, notifier, project_metrics(folder, folder / DATABASE, blobs))


def _use_cases(
    database: Database,
    blobs: BlobStore,
    intake: ImageIntake,
    fetcher: UrlFetcher,
    arrivals: ImageArrivals,
    publishing: Publishing,
    copies: ProjectCopies,
) -> UseCases:
    return UseCases(
        projects=Projects(database),
        project_copies=copies,
        tags=Tags(database),
        images=Images(database, blobs),
        intake=intake,
        images_from_urls=ImagesFromUrls(intake, fetcher),
        arrivals=arrivals,
        iterations=Iterations(database),
        publishing=publishing,
        artifacts=Artifacts(database, blobs),
        prediction_intake=PredictionIntake(database, blobs, intake),
        stored_predictions=StoredPredictions(database, blobs, arrivals),
        suggestions=Suggestions(database),
    )


def _definition(use_cases: UseCases, notifier: Notifier, metrics: ServiceMetrics) -> ServiceDefinition:
    servicer = ProjectServicer(use_cases)
    return ServiceDefinition(
        name="project",
        full_name=FULL_NAME,
        register=lambda server: project_service_pb2_grpc.add_ProjectServiceServicer_to_server(servicer, server),
        roles=TRAINING_KEY_ONLY,
        end_streams=notifier.close,
        metrics=metrics,
        reception=Reception(RECEIVED, at_once=RECEIVED_AT_ONCE, room=MessageRoom(size=RECEIVED_BYTES)),
    )


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
