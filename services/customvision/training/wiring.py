"""Puts the training service together."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import structlog

from customvision.common.background import in_background
from customvision.common.channel import open_channel
from customvision.common.database import Database
from customvision.common.disk_metrics import add_disk_metrics
from customvision.common.durable_files import TEMPORARY_PREFIX
from customvision.common.folder_lock import FolderLock
from customvision.common.keys import Keys
from customvision.common.notifier import Notifier
from customvision.common.server import TRAINING_KEY_ONLY, ServiceDefinition
from customvision.common.service_metrics import ServiceMetrics
from customvision.common.settings import Settings
from customvision.training.backbones.backbone_review import BackboneReview
from customvision.training.backbones.domain_backbones import DomainBackbones
from customvision.training.backbones.domains import Domains
from customvision.training.backbones.preparation import BackbonePreparation
from customvision.training.children.process_memory import memory_is_measurable
from customvision.training.early_embedding.early_embedding import EarlyEmbedding
from customvision.training.early_embedding.image_arrivals import ImageArrivals
from customvision.training.evaluation.iteration_performance import IterationPerformances
from customvision.training.evaluation.user_test_sets import UserTestSets
from customvision.training.export.export_files import ExportFiles
from customvision.training.export.export_keeper import ExportKeeper
from customvision.training.export.exporter import Exporter
from customvision.training.export.kept_exports import KeptExports
from customvision.training.iterations import Iterations
from customvision.training.metrics import TrainingMetrics
from customvision.training.runs.attempt import Attempts
from customvision.training.runs.attempt_plan import Place
from customvision.training.runs.outcome_reporter import OutcomeReporter
from customvision.training.runs.precedence import Precedence
from customvision.training.runs.run import RunState
from customvision.training.runs.run_limits import RunLimits
from customvision.training.runs.scheduler import Scheduler
from customvision.training.runs.starter import RunStarter
from customvision.training.runs.watch import HEARTBEAT_SECONDS, RunWatch
from customvision.training.servicer import TrainingServicer
from customvision.training.store.arrival_position import ArrivalPosition
from customvision.training.store.events import EventStore
from customvision.training.store.exports import ExportStore
from customvision.training.store.migrations import MIGRATIONS
from customvision.training.store.runs import RunStore
from customvision.v1.training_service_pb2_grpc import add_TrainingServiceServicer_to_server

FULL_NAME = "customvision.v1.TrainingService"
DATABASE = "training.sqlite"

log = structlog.get_logger()


@asynccontextmanager
async def open_training_service(
    settings: Settings, keys: Keys, *, heartbeat_seconds: float = HEARTBEAT_SECONDS
) -> AsyncIterator[ServiceDefinition]:
    """Opens the service's data, takes up what was interrupted, and closes all in the end.

    Raises ConfigurationError where the data folder or the weights file that the user named cannot be used.
    """
    async with AsyncExitStack() as stack:
        folder = settings.folder("training")
        preparation = BackbonePreparation(settings)
        stack.callback(FolderLock(folder, user="serve training").release)
        _remove_leftovers(folder)
        database = Database(folder / DATABASE, MIGRATIONS)
        stack.callback(database.close)
        channel = await stack.enter_async_context(open_channel(settings.project_address, keys))

        notifier = Notifier()
        metrics = ServiceMetrics()
        add_disk_metrics(metrics, folder, folder / DATABASE)
        figures = TrainingMetrics(metrics)
        runs, events = RunStore(database, notifier, figures.end), EventStore(database)
        figures.count_open(runs)
        iterations, domains = Iterations(channel), Domains(channel)
        backbones = DomainBackbones(preparation, domains)
        run_ended = asyncio.Event()
        place = Place(
            settings.project_address,
            keys.training_key,
            folder,
            keras_folder=settings.home / "backbones" / "keras",
            limits=_run_limits(settings),
        )
        await _remove_checkpoints_of_ended_runs(runs, place)
        precedence = Precedence()
        scheduler = Scheduler(
            runs,
            Attempts(runs, iterations, backbones, place, precedence),
            run_ended,
            concurrent_runs=settings.training_concurrent_runs,
        )
        starter = RunStarter(runs, iterations, backbones, scheduler)
        reporter = OutcomeReporter(runs, iterations, run_ended)
        exports, exporter = ExportStore(database), Exporter(iterations, folder)
        export_files = ExportFiles(folder / "exports")
        export_keeper = ExportKeeper(exports, iterations, exporter, export_files)
        servicer = TrainingServicer(
            runs,
            starter,
            scheduler,
            RunWatch(runs, events, notifier, heartbeat_seconds=heartbeat_seconds),
            IterationPerformances(iterations),
            exporter,
            KeptExports(exports, iterations, export_files, export_keeper),
            BackboneReview(preparation, iterations, domains),
            UserTestSets(iterations, folder),
            time_limit_seconds=settings.training_time_limit_seconds,
        )

        stack.push_async_callback(preparation.stop)
        preparation.start()
        await stack.enter_async_context(in_background(reporter.work()))
        await stack.enter_async_context(in_background(scheduler.work()))
        await stack.enter_async_context(in_background(export_keeper.work()))
        if settings.training_early_embedding:
            position = ArrivalPosition(database)
            early = EarlyEmbedding(ImageArrivals(channel), position, backbones, precedence, place)
            await stack.enter_async_context(in_background(early.work()))
        stack.push_async_callback(starter.stop)
        # The project service may start after this one.
        await stack.enter_async_context(in_background(starter.finish_unclear_starts()))
        yield ServiceDefinition(
            name="training",
            full_name=FULL_NAME,
            register=lambda server: _register(servicer, server),
            roles=TRAINING_KEY_ONLY,
            end_streams=notifier.close,
            metrics=metrics,
        )


def _remove_leftovers(folder: Path) -> None:
    # Exports, test sets and backbones that were in work when the service was killed.
    for leftover in list(folder.rglob(f"{TEMPORARY_PREFIX}*")):
        shutil.rmtree(leftover, ignore_errors=True)


def _run_limits(settings: Settings) -> RunLimits:
    if settings.training_memory_limit_bytes is not None and not memory_is_measurable():
        log.warning("this system does not tell the memory of processes; runs have no memory limit")
    return RunLimits(settings.training_time_limit_seconds, settings.training_memory_limit_bytes)


async def _remove_checkpoints_of_ended_runs(runs: RunStore, place: Place) -> None:
    states = (RunState.PREPARING, RunState.QUEUED, RunState.RUNNING)
    open_runs = {run.training_run_id for state in states for run in await runs.in_state(state)}
    await asyncio.to_thread(place.run_folders.remove_all_but, open_runs)


def _register(servicer: TrainingServicer, server: grpc.aio.Server) -> None:
    add_TrainingServiceServicer_to_server(servicer, server)
