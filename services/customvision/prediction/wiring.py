"""Puts the prediction service together, and takes it apart in the right order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from customvision.common.authentication import KeyRing
from customvision.common.background import in_background
from customvision.common.channel import open_channel
from customvision.common.disk_metrics import add_disk_metrics
from customvision.common.folder_lock import FolderLock
from customvision.common.keys import Keys
from customvision.common.reception import Reception
from customvision.common.server import ANY_KEY, ServiceDefinition
from customvision.common.service_metrics import ServiceMetrics
from customvision.common.settings import Settings
from customvision.common.url_fetching.fetcher import UrlFetcher
from customvision.prediction.artifact_cache import ArtifactCache
from customvision.prediction.batches import Batches
from customvision.prediction.heads import Heads
from customvision.prediction.iteration_models import IterationModels
from customvision.prediction.loader import ModelLoader
from customvision.prediction.metrics import StageSeconds, add_prediction_metrics
from customvision.prediction.model_health import ModelHealth
from customvision.prediction.networks import Networks
from customvision.prediction.predictor import Predictor
from customvision.prediction.project_client import ProjectClient
from customvision.prediction.published_models import PublishedModels
from customvision.prediction.record_sender import RecordSender
from customvision.prediction.registry import Registry
from customvision.prediction.residency import Residency
from customvision.prediction.servicer import PredictionServicer
from customvision.prediction.stored_predictions import StoredPredictions
from customvision.prediction.streams import Streams
from customvision.prediction.suggestions import Suggestions
from customvision.prediction.worker import ALONE, Worker, remove_surplus_caches
from customvision.prediction.workers.shared_metrics import shared_metrics
from customvision.v1.prediction_service_pb2_grpc import add_PredictionServiceServicer_to_server

FULL_NAME = "customvision.v1.PredictionService"
# What carries images in one message.
RECEIVED = frozenset({f"/{FULL_NAME}/Predict", f"/{FULL_NAME}/PredictBatch"})
# Many streams may be open, and their callers send faster than is answered.
UNREAD_BYTES = 256 * 1024
# Files and loads have threads of their own, so that a load never waits behind predictions.
LOADER_THREADS = 4


@contextlib.asynccontextmanager
async def open_prediction_service(
    settings: Settings, keys: Keys, worker: Worker = ALONE
) -> AsyncIterator[ServiceDefinition]:
    """Yields the service, ready to answer with the models of its last run; closes everything afterwards.

    A ``worker`` that is not alone leaves it to its supervisor to lock the data folder. Raises ConfigurationError where
    the folder cannot be used.
    """
    folder = settings.folder("prediction")
    async with contextlib.AsyncExitStack() as stack:
        if worker.alone:
            lock = FolderLock(folder, user="serve prediction")
            stack.callback(lock.release)
            await asyncio.to_thread(remove_surplus_caches, folder, worker.count)
        channel = await stack.enter_async_context(open_channel(settings.project_address, keys))
        project = ProjectClient(channel)
        files = stack.enter_context(ThreadPoolExecutor(LOADER_THREADS, thread_name_prefix="load"))

        compiling = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="load-network"))
        cache = ArtifactCache(
            worker.cache_folder(folder), project.get_artifact, files, others=worker.other_cache_folders(folder)
        )
        metrics = ServiceMetrics()
        add_disk_metrics(metrics, folder)
        if not worker.alone:
            await stack.enter_async_context(shared_metrics(metrics, folder, worker.number, worker.count))
        stages = StageSeconds(metrics)
        networks = Networks(cache, compiling)
        residency = Residency(
            networks.compile,
            settings.prediction_memory_bytes // worker.count,
            on_damaged=lambda model, reason: registry.lose(model, reason),
        )
        stack.callback(residency.close)
        loader = ModelLoader(Heads(cache), networks, residency, stages.observe)
        registry = Registry(loader.load, loader.take_up)
        stack.callback(registry.close)
        iterations = IterationModels(project.find_iteration, loader.load, on_drop=registry.to_remember.set)
        stack.callback(iterations.close)
        published = PublishedModels(
            project.watch_published_models,
            registry,
            cache,
            folder / "published.json",
            files,
            also_needed=lambda: iterations.digests,
            remembers=worker.remembers,
        )
        stored = StoredPredictions(RecordSender(channel).send)
        stack.push_async_callback(stored.close)
        fetcher = UrlFetcher(settings.url_allowed_hosts)
        stack.callback(fetcher.close)
        predictor = Predictor(registry, iterations, fetcher, stored, residency, observe=stages.observe)
        stack.callback(predictor.close)
        streams = Streams(predictor)
        suggestions = Suggestions(iterations, predictor, project.download_images, project.record_suggestions)
        await stack.enter_async_context(in_background(published.follow()))
        await stack.enter_async_context(in_background(published.remember()))

        add_prediction_metrics(metrics, predictor, registry, residency, stored)

        def end_streams() -> None:
            streams.close()
            registry.changes.close()

        servicer = PredictionServicer(predictor, Batches(predictor), streams, registry, suggestions, KeyRing(keys))
        yield ServiceDefinition(
            name="prediction",
            full_name=FULL_NAME,
            register=lambda server: add_PredictionServiceServicer_to_server(servicer, server),
            roles=ANY_KEY,
            until_ready=registry.until_first_loads,
            metrics=metrics,
            end_streams=end_streams,
            health_of_parts=ModelHealth(registry),
            reception=Reception(RECEIVED, predictor.may_enter),
            unread_bytes=UNREAD_BYTES,
        )
