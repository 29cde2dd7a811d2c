"""How a user wants a project trained."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from customvision.cli.connection import find_iteration, find_tags
from customvision.v1 import projects_pb2, training_service_pb2

if TYPE_CHECKING:
    from customvision.client import Client


@dataclass(frozen=True)
class TrainingChoice:
    """Quick or ``advanced``, and what goes with it; tags and the iteration to begin with as the user names them."""

    advanced: bool = False
    budget_seconds: float | None = None
    tags: tuple[str, ...] = ()
    base: str = ""
    force: bool = False

    def check(self) -> None:
        """Raises BadParameter where an option needs another that is not there."""
        for option, given in (("--budget", self.budget_seconds is not None), ("--base", bool(self.base))):
            if given and not self.advanced:
                raise typer.BadParameter(f"{option} is for advanced training; add --advanced.")

    def start(self, client: "Client", project: projects_pb2.Project) -> training_service_pb2.TrainingRun:
        """Starts the training and returns the run. Raises Failure, CustomVisionError."""
        project_id = project.project_id
        return client.start_training(
            project_id,
            advanced=self.advanced,
            budget_seconds=self.budget_seconds,
            selected_tag_ids=[tag.tag_id for tag in find_tags(client, project_id, self.tags)],
            base_iteration_id=find_iteration(client, project_id, self.base).iteration_id if self.base else "",
            force=self.force,
        )
