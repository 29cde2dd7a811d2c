"""Gives tokens that let projects be copied, and begins copies."""

import itertools
from collections.abc import Callable

from customvision.common.database import Connection, Database
from customvision.project.domain.import_token import LIFETIME, project_of_token, sealed_token
from customvision.project.domain.project import Project, RequestIdReused
from customvision.project.domain.project_copy import ProjectExport, numbered_name
from customvision.project.domain.text import checked_name, checked_request_id, new_id
from customvision.project.store import iterations, project_imports, projects
from customvision.project.store.columns import now
from customvision.project.use_cases.lookups import request_fingerprint, require_project, require_whole


class ProjectCopies:
    """Copies of projects, from token to token's use. ``announce`` is called when there is a copy to make."""

    def __init__(self, database: Database, announce: Callable[[], None]) -> None:
        self._database = database
        self._announce = announce

    async def export(self, project_id: str) -> ProjectExport:
        """Returns a token for a project. Raises ProjectNotFound, ProjectImporting, ProjectImportFailed."""
        expire_time = (now() + LIFETIME).replace(microsecond=0)

        def export(connection: Connection) -> ProjectExport:
            require_whole(connection, project_id)
            project = require_project(connection, project_id)
            return ProjectExport(
                token=sealed_token(project_imports.export_secret(connection), project_id, expire_time),
                expire_time=expire_time,
                image_count=project.image_count,
                tag_count=project.tag_count,
                iteration_count=len(iterations.completed(connection, project_id)),
            )

        return await self._database.read(export)

    async def begin(self, token: str, *, name: str, request_id: str) -> Project:
        """Begins a copy of the token's project and returns it; a repeated ``request_id`` answers the same one.

        Raises NameInvalid, ImportTokenInvalid, ImportTokenExpired, RequestIdInvalid, RequestIdReused, and
        ProjectNotFound, ProjectImporting or ProjectImportFailed about the project to copy.
        """
        if name:
            checked_name(name, "name")
        key = checked_request_id(request_id)
        fingerprint = request_fingerprint("import", token, name)

        def begin(connection: Connection) -> Project:
            earlier = projects.find_request(connection, key) if key else None
            if earlier is not None:
                if earlier[1] != fingerprint:
                    raise RequestIdReused(request_id)
                return require_project(connection, earlier[0])
            source_id = project_of_token(project_imports.export_secret(connection), token, now())
            require_whole(connection, source_id)
            source = require_project(connection, source_id)
            project_id = new_id()
            project_imports.insert(
                connection,
                source,
                project_id=project_id,
                name=name or _free_name(connection, source.name),
                create_time=now(),
                request_id=key,
                request_fingerprint=fingerprint,
            )
            return require_project(connection, project_id)

        try:
            return await self._database.write(begin)
        finally:
            # Also where the caller went: the copy may have been begun.
            self._announce()


def _free_name(connection: Connection, name: str) -> str:
    numbered = (numbered_name(name, number) for number in itertools.count(1))
    return next(
        candidate
        for candidate in itertools.chain([name], numbered)
        if not projects.page(connection, name=candidate, after=None, limit=1)
    )
