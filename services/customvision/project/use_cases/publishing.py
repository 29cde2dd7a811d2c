"""Publishes iterations under names, and tells watchers what is published and every change."""

from collections.abc import AsyncGenerator
from dataclasses import replace

from customvision.common.database import Connection, Database
from customvision.common.notifier import Notifier, ServiceStopping, wait
from customvision.project.domain.iteration import Iteration, IterationStatus
from customvision.project.domain.publishing import (
    Heartbeat,
    IterationNotCompleted,
    IterationNotPublished,
    PublishedModel,
    PublishedModelEvent,
    PublishNameTaken,
    Synchronized,
    UnpublishedModel,
)
from customvision.project.domain.text import checked_name, checked_text
from customvision.project.store import iterations, publishing
from customvision.project.use_cases.lookups import require_iteration, require_whole

HEARTBEAT_SECONDS = 15.0
_TOPIC = "published models"


class Publishing:
    """What can be done with published models. Methods raise ProjectNotFound or IterationNotFound."""

    def __init__(self, database: Database, notifier: Notifier, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._database = database
        self._notifier = notifier
        self._heartbeat_seconds = heartbeat_seconds

    async def publish(
        self, project_id: str, iteration_id: str, publish_name: str, *, overwrite: bool, publish_target: str = ""
    ) -> Iteration:
        """Puts an iteration into service; a name it had before is given up, in the same step.

        Repeating it changes nothing but the ``publish_target``, where that is another.
        Raises NameInvalid, TextTooLong, ProjectImporting, ProjectImportFailed, IterationNotCompleted, and
        PublishNameTaken unless ``overwrite``.
        """
        checked_name(publish_name, "publish_name")
        checked_text(publish_target, "publish_target")

        def publish(connection: Connection) -> Iteration:
            require_whole(connection, project_id)
            iteration = require_iteration(connection, project_id, iteration_id)
            published = replace(iteration, publish_name=publish_name, publish_target=publish_target)
            if published == iteration:
                return iteration
            if published.publish_name == iteration.publish_name:
                return iterations.update(connection, published)
            if iteration.status is not IterationStatus.COMPLETED:
                raise IterationNotCompleted(iteration)
            holder = publishing.find_holder(connection, project_id, publish_name)
            if holder is not None:
                if not overwrite:
                    raise PublishNameTaken(publish_name, holder)
                iterations.update(connection, replace(holder, publish_name="", publish_target=""))
            published = iterations.update(connection, published)
            publishing.record_change(connection, project_id, publish_name)
            if iteration.publish_name:
                publishing.record_change(connection, project_id, iteration.publish_name)
            return published

        published = await self._database.write(publish)
        self._notifier.touch(_TOPIC)
        return published

    async def unpublish(self, project_id: str, iteration_id: str) -> Iteration:
        """Takes an iteration out of service. Raises IterationNotPublished."""

        def unpublish(connection: Connection) -> Iteration:
            iteration = require_iteration(connection, project_id, iteration_id)
            if not iteration.publish_name:
                raise IterationNotPublished(iteration)
            unpublished = iterations.update(connection, replace(iteration, publish_name="", publish_target=""))
            publishing.record_change(connection, project_id, iteration.publish_name)
            return unpublished

        unpublished = await self._database.write(unpublish)
        self._notifier.touch(_TOPIC)
        return unpublished

    async def watch(self) -> AsyncGenerator[PublishedModelEvent, None]:
        """Yields every published model, then Synchronized, then each change; a heartbeat where all is quiet.

        Several changes of one name that come faster than they are read are told as one: what it stands for now.
        Raises ServiceStopping when the service stops.
        """
        models, revision = await self._database.read(_start)
        for model in models:
            yield model
        yield Synchronized()
        while True:
            touched = self._notifier.subscribe(_TOPIC)
            changes, revision = await self._database.read(
                lambda connection, after=revision: _changes(connection, after)  # type: ignore[misc]
            )
            for change in changes:
                yield change
            if self._notifier.closed:
                raise ServiceStopping
            if not await wait(touched, self._heartbeat_seconds):
                yield Heartbeat()


def _start(connection: Connection) -> tuple[list[PublishedModel], int]:
    return publishing.snapshot(connection), publishing.revision(connection)


def _changes(connection: Connection, after: int) -> tuple[list[PublishedModel | UnpublishedModel], int]:
    return publishing.changes_after(connection, after), publishing.revision(connection)
