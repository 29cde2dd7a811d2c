"""Published models in SQL, and which names changed since a revision."""

from customvision.common.database import Connection
from customvision.project.domain.iteration import Iteration
from customvision.project.domain.publishing import PublishedModel, UnpublishedModel
from customvision.project.store.iterations import to_iteration


def find_holder(connection: Connection, project_id: str, publish_name: str) -> Iteration | None:
    """Returns the project's iteration that is published under the name, or None."""
    rows = connection.query(
        "SELECT * FROM iterations WHERE project_id = ? AND publish_name = ?", [project_id, publish_name]
    )
    return next((to_iteration(row) for row in rows), None)


def record_change(connection: Connection, project_id: str, publish_name: str) -> None:
    """Gives the name the newest revision: who watches reads what holds it now."""
    connection.execute(
        "INSERT OR REPLACE INTO publishing_changes (project_id, publish_name) VALUES (?, ?)",
        [project_id, publish_name],
    )


def revision(connection: Connection) -> int:
    """Returns the newest revision, 0 before the first."""
    row = connection.execute("SELECT coalesce(max(revision), 0) FROM publishing_changes").fetchone()
    newest: int = row[0]
    return newest


def snapshot(connection: Connection) -> list[PublishedModel]:
    """Returns every published model, by project and name."""
    rows = connection.query("SELECT * FROM iterations WHERE publish_name IS NOT NULL ORDER BY project_id, publish_name")
    return [_model(to_iteration(row)) for row in rows]


def changes_after(connection: Connection, after: int) -> list[PublishedModel | UnpublishedModel]:
    """Returns what every name that changed after the revision stands for now, in order of the changes."""
    names = connection.execute(
        "SELECT project_id, publish_name FROM publishing_changes WHERE revision > ? ORDER BY revision", [after]
    ).fetchall()
    changes: list[PublishedModel | UnpublishedModel] = []
    for project_id, publish_name in names:
        holder = find_holder(connection, project_id, publish_name)
        changes.append(_model(holder) if holder else UnpublishedModel(project_id, publish_name))
    return changes


def _model(iteration: Iteration) -> PublishedModel:
    if iteration.artifacts is None:
        raise ValueError(f"iteration {iteration.iteration_id} is published without a model")
    return PublishedModel(iteration.project_id, iteration.publish_name, iteration.iteration_id, iteration.artifacts)
