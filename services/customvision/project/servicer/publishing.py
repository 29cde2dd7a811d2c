"""The calls about published models."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from customvision.project.domain.publishing import (
    Heartbeat,
    PublishedModel,
    PublishedModelEvent,
    Synchronized,
    UnpublishedModel,
)
from customvision.project.servicer.iterations import artifacts_message, iteration_message
from customvision.project.use_cases.publishing import Publishing
from customvision.v1 import iterations_pb2


class PublishingMethods:
    """Translates the calls about published models."""

    _publishing: Publishing

    async def PublishIteration(
        self, request: iterations_pb2.PublishIterationRequest, context: Any
    ) -> iterations_pb2.Iteration:
        """Puts a completed iteration into service."""
        iteration = await self._publishing.publish(
            request.project_id,
            request.iteration_id,
            request.publish_name,
            overwrite=request.overwrite,
            publish_target=request.publish_target,
        )
        return iteration_message(iteration)

    async def UnpublishIteration(
        self, request: iterations_pb2.UnpublishIterationRequest, context: Any
    ) -> iterations_pb2.Iteration:
        """Takes an iteration out of service."""
        return iteration_message(await self._publishing.unpublish(request.project_id, request.iteration_id))

    async def WatchPublishedModels(
        self, request: iterations_pb2.WatchPublishedModelsRequest, context: Any
    ) -> AsyncIterator[iterations_pb2.PublishedModelEvent]:
        """Tells what is published, then every change, without end."""
        async with aclosing(self._publishing.watch()) as events:
            async for event in events:
                yield _event_message(event)


def _event_message(event: PublishedModelEvent) -> iterations_pb2.PublishedModelEvent:
    match event:
        case PublishedModel():
            published = iterations_pb2.PublishedModel(
                project_id=event.project_id,
                publish_name=event.publish_name,
                iteration_id=event.iteration_id,
                artifacts=artifacts_message(event.artifacts),
            )
            return iterations_pb2.PublishedModelEvent(published=published)
        case UnpublishedModel():
            unpublished = iterations_pb2.UnpublishedModel(project_id=event.project_id, publish_name=event.publish_name)
            return iterations_pb2.PublishedModelEvent(unpublished=unpublished)
        case Synchronized():
            return iterations_pb2.PublishedModelEvent(synchronized=iterations_pb2.PublishedModelsSynchronized())
        case Heartbeat():
            return iterations_pb2.PublishedModelEvent(heartbeat=iterations_pb2.PublishedModelsHeartbeat())
