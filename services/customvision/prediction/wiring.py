"""Puts the prediction service together, and takes it apart in the right order."""

import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from customvision.common.background import in_background
from customvision.common.channel import open_channel
from customvision.common.folder_lock import FolderLock
from customvision.common.keys import Keys
from customvision.common.server import ANY_KEY, ServiceDefinition
from customvision.common.settings import Settings
from customvision.prediction.artifact_cache import ArtifactCache
from customvision.prediction.loader import ModelLoader
from customvision.prediction.predictor import Predictor
from customvision.prediction.project_client import ProjectClient
from customvision.prediction.published_models import PublishedModels
from customvision.prediction.registry import Registry
from customvision.prediction.servicer import PredictionServicer
from customvision.prediction.stored_predictions import StoredPredictions
from customvision.prediction.trunks import TrunkPool
from customvision.v1.prediction_service_pb2_grpc import add_PredictionServiceServicer_to_server

FULL_NAME = "customvision.v1.PredictionService"
# Files and loads have threads of their own, so that a load never waits behind predictions.
LOADER_THREADS = 4


@contextlib.asynccontextmanager
async def open_prediction_service(settings: Settings, keys: Keys) -> AsyncIterator[ServiceDefinition]:
    """Yields the service, ready to answer with the models of its last run; closes everything afterwards.

    Raises ConfigurationError where the data folder cannot be used.
    """
    folder = settings.folder("prediction")
    async with contextlib.AsyncExitStack() as stack:
        lock = FolderLock(folder, user="serve prediction")
        stack.callback(lock.release)
        channel = await stack.enter_async_context(open_channel(settings.project_address, keys))
        project = ProjectClient(channel)
        files = stack.enter_context(ThreadPoolExecutor(LOADER_THREADS, thread_name_prefix="load"))

        cache = ArtifactCache(folder / "artifacts", project.get_artifact, files)
        registry = Registry(ModelLoader(cache, TrunkPool(cache, files), files).load)
        stack.callback(registry.close)
        published = PublishedModels(project.watch_published_models, registry, cache, folder / "published.json", files)
        stored = StoredPredictions(project.record_prediction)
        stack.push_async_callback(stored.close)
        predictor = Predictor(registry, stored)
        stack.callback(predictor.close)
        await stack.enter_async_context(in_background(published.follow()))
        await stack.enter_async_context(in_background(published.remember()))

        servicer = PredictionServicer(predictor, registry)
        yield ServiceDefinition(
            name="prediction",
            full_name=FULL_NAME,
            register=lambda server: add_PredictionServiceServicer_to_server(servicer, server),
            roles=ANY_KEY,
            end_streams=lambda: None,
        )
