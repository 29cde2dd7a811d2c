"""Creates, reads, changes and deletes projects."""

from collections.abc import Sequence
from dataclasses import replace

from customvision.common.database import Connection, Database
from customvision.project.domain.domain import DEFAULT_DOMAIN, require_domain
from customvision.project.domain.project import (
    ClassificationType,
    Project,
    ProjectInUse,
    RequestIdReused,
    SeveralTagsPerImage,
    checked_export_platforms,
)
from customvision.project.domain.text import checked_name, checked_request_id, checked_text, new_id
from customvision.project.store import images, iterations, projects
from customvision.project.store.columns import now
from customvision.project.use_cases.lookups import request_fingerprint, require_project, require_whole
from customvision.project.use_cases.pages import Page, PageRequest, read_page


class Projects:
    """What can be done with projects. Every method raises ProjectNotFound where there is no such project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        *,
        name: str,
        description: str,
        classification_type: ClassificationType,
        request_id: str,
        domain_id: str = DEFAULT_DOMAIN.domain_id,
        target_export_platforms: Sequence[str] = (),
    ) -> Project:
        """Creates a project; a repeated ``request_id`` answers the same one.

        Raises NameInvalid, TextTooLong, TooManyItems, DomainNotFound, RequestIdInvalid, RequestIdReused.
        """
        checked_name(name, "name")
        checked_text(description, "description")
        domain = require_domain(domain_id)
        platforms = checked_export_platforms(target_export_platforms)
        key = checked_request_id(request_id)
        # Defaults are left out: so it was fingerprinted before there were others.
        chosen = (() if domain is DEFAULT_DOMAIN else (domain.domain_id,)) + ((platforms,) if platforms else ())
        fingerprint = request_fingerprint(name, description, classification_type, *chosen)

        def create(connection: Connection) -> Project:
            earlier = projects.find_request(connection, key) if key else None
            if earlier is not None:
                return _repeated(connection, earlier, fingerprint, request_id)
            project_id = new_id()
            projects.insert(
                connection,
                project_id=project_id,
                name=name,
                description=description,
                classification_type=classification_type,
                domain_id=domain.domain_id,
                target_export_platforms=platforms,
                create_time=now(),
                request_id=key,
                request_fingerprint=fingerprint,
            )
            return require_project(connection, project_id)

        return await self._database.write(create)

    async def get(self, project_id: str) -> Project:
        """Returns the project."""
        return await self._database.read(lambda connection: require_project(connection, project_id))

    async def page(self, request: PageRequest, *, name: str) -> Page[Project]:
        """Returns projects, oldest first; ``name``, where not empty, selects those of exactly that name."""
        return await read_page(
            self._database,
            request,
            lambda connection, after, limit: projects.page(connection, name=name, after=after, limit=limit),
            "projects",
            name,
        )

    async def update(
        self,
        project_id: str,
        *,
        name: str | None,
        description: str | None,
        classification_type: ClassificationType | None,
        domain_id: str | None = None,
        target_export_platforms: Sequence[str] | None = None,
    ) -> Project:
        """Changes what is not None.

        Raises NameInvalid, TextTooLong, TooManyItems, DomainNotFound, SeveralTagsPerImage, ProjectImporting,
        ProjectImportFailed.
        """
        if name is not None:
            checked_name(name, "name")
        if description is not None:
            checked_text(description, "description")
        domain = None if domain_id is None else require_domain(domain_id)
        platforms = None if target_export_platforms is None else checked_export_platforms(target_export_platforms)

        def update(connection: Connection) -> Project:
            require_whole(connection, project_id)
            present = require_project(connection, project_id)
            changed = replace(
                present,
                name=present.name if name is None else name,
                description=present.description if description is None else description,
                classification_type=classification_type or present.classification_type,
                domain_id=domain.domain_id if domain else present.domain_id,
                target_export_platforms=present.target_export_platforms if platforms is None else platforms,
            )
            if changed == present:
                return present
            if changed.classification_type is ClassificationType.MULTICLASS:
                _check_one_tag_per_image(connection, present)
            projects.update(connection, replace(changed, update_time=now()))
            return require_project(connection, project_id)

        return await self._database.write(update)

    async def delete(self, project_id: str) -> None:
        """Deletes the project with all in it; rows and files go later. Raises ProjectInUse."""

        def delete(connection: Connection) -> None:
            require_project(connection, project_id)
            in_use = iterations.find_in_use(connection, project_id)
            if in_use is not None:
                raise ProjectInUse(in_use.name, published=bool(in_use.publish_name))
            successor = iterations.find_foreign_successor_in_training(connection, project_id)
            if successor is not None:
                raise ProjectInUse(successor.name, base=True)
            projects.delete(connection, project_id)

        await self._database.write(delete)


def _repeated(connection: Connection, earlier: tuple[str, str], fingerprint: str, request_id: str) -> Project:
    project_id, earlier_fingerprint = earlier
    if earlier_fingerprint != fingerprint:
        raise RequestIdReused(request_id)
    return require_project(connection, project_id)


def _check_one_tag_per_image(connection: Connection, present: Project) -> None:
    if present.classification_type is ClassificationType.MULTICLASS:
        return
    count = images.count_with_several_tags(connection, present.project_id)
    if count:
        raise SeveralTagsPerImage(count)
