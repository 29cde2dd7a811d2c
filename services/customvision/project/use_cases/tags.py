"""Creates, reads, changes and deletes the tags of a project."""

from dataclasses import replace

from customvision.common.database import Connection, Database
from customvision.project.domain.project import RequestIdReused
from customvision.project.domain.tag import (
    NegativeBesideRegularTag,
    NegativeTagExists,
    Tag,
    TagNameTaken,
    TagNotInIteration,
    TagType,
)
from customvision.project.domain.text import checked_name, checked_request_id, checked_text, new_id
from customvision.project.store import iterations, tags
from customvision.project.store.columns import now
from customvision.project.use_cases.lookups import (
    request_fingerprint,
    require_classification_type,
    require_iteration,
    require_tag,
    require_whole,
)
from customvision.project.use_cases.pages import Page, PageRequest, read_page


class Tags:
    """What can be done with tags. Every method raises ProjectNotFound or TagNotFound where there is none.

    Those that change something also raise ProjectImporting or ProjectImportFailed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        project_id: str,
        *,
        name: str,
        description: str,
        type: TagType,  # noqa: A002 - the field's name
        request_id: str,
    ) -> Tag:
        """Creates a tag; a repeated ``request_id`` answers the same one.

        Raises NameInvalid, TextTooLong, RequestIdInvalid, RequestIdReused, TagNameTaken, NegativeTagExists.
        """
        checked_name(name, "name")
        checked_text(description, "description")
        key = checked_request_id(request_id)
        fingerprint = request_fingerprint(project_id, name, description, type)

        def create(connection: Connection) -> Tag:
            require_whole(connection, project_id)
            earlier = tags.find_request(connection, key) if key else None
            if earlier is not None:
                return _repeated(connection, earlier, fingerprint, request_id)
            _check_name_is_free(connection, project_id, name)
            if type is TagType.NEGATIVE:
                _check_no_negative(connection, project_id)
            tag_id = new_id()
            tags.insert(
                connection,
                tag_id=tag_id,
                project_id=project_id,
                name=name,
                description=description,
                type=type,
                create_time=now(),
                request_id=key,
                request_fingerprint=fingerprint,
            )
            return require_tag(connection, project_id, tag_id)

        return await self._database.write(create)

    async def get(self, project_id: str, tag_id: str, *, iteration_id: str = "") -> Tag:
        """Returns the tag; with ``iteration_id``, as it was in that data set.

        Raises IterationNotFound or TagNotInIteration.
        """

        def get(connection: Connection) -> Tag:
            if not iteration_id:
                return require_tag(connection, project_id, tag_id)
            iteration = require_iteration(connection, project_id, iteration_id)
            tag = iterations.find_frozen_tag(connection, iteration, tag_id)
            if tag is None:
                raise TagNotInIteration(tag_id)
            return tag

        return await self._database.read(get)

    async def page(self, project_id: str, request: PageRequest, *, iteration_id: str = "") -> Page[Tag]:
        """Returns tags in order of creation; with ``iteration_id``, as they were in that data set.

        Raises IterationNotFound.
        """

        def load(connection: Connection, after: int | None, limit: int) -> list[Tag]:
            if iteration_id:
                iteration = require_iteration(connection, project_id, iteration_id)
                return iterations.frozen_tags_page(connection, iteration, after=after, limit=limit)
            require_classification_type(connection, project_id)
            return tags.page(connection, project_id, after=after, limit=limit)

        return await read_page(self._database, request, load, "tags", project_id, iteration_id)

    async def update(
        self,
        project_id: str,
        tag_id: str,
        *,
        name: str | None,
        description: str | None,
        type: TagType | None,  # noqa: A002 - the field's name
    ) -> Tag:
        """Changes what is not None.

        Raises NameInvalid, TextTooLong, TagNameTaken, NegativeTagExists, NegativeBesideRegularTag.
        """
        if name is not None:
            checked_name(name, "name")
        if description is not None:
            checked_text(description, "description")

        def update(connection: Connection) -> Tag:
            require_whole(connection, project_id)
            present = require_tag(connection, project_id, tag_id)
            changed = replace(
                present,
                name=present.name if name is None else name,
                description=present.description if description is None else description,
                type=type or present.type,
            )
            if changed.name != present.name:
                _check_name_is_free(connection, project_id, changed.name)
            if changed.type is TagType.NEGATIVE and present.type is TagType.REGULAR:
                _check_can_be_negative(connection, present)
            tags.update(connection, changed)
            return changed

        return await self._database.write(update)

    async def delete(self, project_id: str, tag_id: str) -> None:
        """Deletes the tag; its images stay and lose it, past iterations keep it."""

        def delete(connection: Connection) -> None:
            require_whole(connection, project_id)
            tags.delete(connection, require_tag(connection, project_id, tag_id))

        await self._database.write(delete)


def _repeated(connection: Connection, earlier: tuple[str, str, str], fingerprint: str, request_id: str) -> Tag:
    project_id, tag_id, earlier_fingerprint = earlier
    if earlier_fingerprint != fingerprint:
        raise RequestIdReused(request_id)
    return require_tag(connection, project_id, tag_id)


def _check_name_is_free(connection: Connection, project_id: str, name: str) -> None:
    if tags.find_named(connection, project_id, name) is not None:
        raise TagNameTaken(name)


def _check_no_negative(connection: Connection, project_id: str) -> None:
    negative = tags.find_negative(connection, project_id)
    if negative is not None:
        raise NegativeTagExists(negative.name)


def _check_can_be_negative(connection: Connection, tag: Tag) -> None:
    _check_no_negative(connection, tag.project_id)
    companion = tags.companion(connection, tag)
    if companion is not None:
        raise NegativeBesideRegularTag(
            f"Images carry '{tag.name}' beside '{companion.name}'; take one off before '{tag.name}' becomes negative.",
            metadata={"negative_tag_name": tag.name, "tag_name": companion.name},
        )
