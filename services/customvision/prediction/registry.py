"""What answers under which name. Belongs to one event loop."""

import asyncio
from collections import Counter

from customvision.common.notifier import Notifier, wait
from customvision.prediction.errors import (
    ModelDamaged,
    ModelLoading,
    ModelNotFetched,
    ModelNotPublished,
    ProjectIdMissing,
    PublishedModelsUnknown,
    PublishNameMissing,
)
from customvision.prediction.first_loads import FirstLoads
from customvision.prediction.model import Model
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.prediction.remembered_models import RememberedModel
from customvision.prediction.served_model import LoadModel, ModelState, ServedModel

# News of a publication may arrive just after the call that followed it.
NEWS_SECONDS = 0.2
# How long a start waits for the project service before it settles for what was published before.
TELLING_SECONDS = 1.0
NAMES_SHOWN = 5
_CHANGES = "changes"


class Registry:
    """The served models by project and publish name.

    ``to_remember`` is set when ``remembered()`` has changed, or all that is published has been told; who remembers
    clears it.
    """

    def __init__(self, load: LoadModel) -> None:
        self._load = load
        self._projects: dict[str, dict[str, ServedModel]] = {}
        self._notifier = Notifier()
        self._first_loads = FirstLoads()
        self._synchronized = asyncio.Event()
        self.to_remember = asyncio.Event()

    @property
    def synchronized(self) -> bool:
        """True once all that is published has been told."""
        return self._synchronized.is_set()

    def publish(self, published: PublishedModel, answered: PublishedModel | None = None) -> None:
        """Has ``published`` answer under its name once it is loaded; what answers now goes on until then.

        ``answered`` is the iteration that answered under the name before a restart, where that was another.
        """
        models = self._projects.setdefault(published.name.project_id, {})
        served = models.get(published.name.publish_name)
        if served is None:
            models[published.name.publish_name] = ServedModel(
                published, answered, self._load, on_change=self._changed, on_replace=self.to_remember.set
            )
            self._first_loads.begin(published.name)
            self._changed(published.name)
            self.to_remember.set()
        elif served.publish(published):
            self.to_remember.set()

    def unpublish(self, name: ModelName) -> None:
        """Takes what is under the name out of service; requests that have begun are answered still."""
        models = self._projects.get(name.project_id, {})
        served = models.pop(name.publish_name, None)
        if served is not None:
            served.close()
            if not models:
                del self._projects[name.project_id]
            self._changed(name)
            self.to_remember.set()

    def synchronize(self) -> None:
        """Notes that all that is published has been told, so that an unknown name is an error of the caller's."""
        self._synchronized.set()
        self._notifier.touch(_CHANGES)
        self.to_remember.set()

    def close(self) -> None:
        """Stops every load."""
        for served in self.models():
            served.close()
        self._projects.clear()
        self._notifier.close()

    def models(self, project_id: str = "") -> list[ServedModel]:
        """Returns the served models, of one project where given, ordered by project and publish name."""
        projects = [self._projects.get(project_id, {})] if project_id else list(self._projects.values())
        return sorted((served for models in projects for served in models.values()), key=lambda it: it.published.name)

    def states(self) -> dict[ModelState, int]:
        """Returns how many models there are in each state. May be called on any thread."""
        counts = Counter(served.state for served in self._unordered())
        return {state: counts[state] for state in ModelState}

    def memory_bytes(self) -> int:
        """Returns what the models that answer hold for themselves alone. May be called on any thread."""
        models = (served.model for served in self._unordered())
        return sum(model.memory_bytes for model in models if model is not None)

    def remembered(self) -> list[RememberedModel]:
        """Returns what a restart should begin with, ordered by project and publish name."""
        return [RememberedModel(served.published, served.answered) for served in self.models()]

    async def until_first_loads(self) -> None:
        """Returns once all that is published is known and each model of it was tried to load.

        While the project service is away, models from before a restart will do, where one of them answers.
        """
        if not await wait(self._synchronized, TELLING_SECONDS) and not await self._answers_after_first_loads():
            await self._synchronized.wait()
        await self._first_loads.wait()

    async def _answers_after_first_loads(self) -> bool:
        await self._first_loads.wait()
        return any(served.model is not None for served in self.models())

    async def find(self, project_id: str, publish_name: str, *, seconds: float) -> Model:
        """Returns the model to ask, waiting up to ``seconds`` for a first load that is under way.

        An empty ``publish_name`` means the project's only model. Raises ProjectIdMissing, PublishNameMissing,
        ModelNotPublished, PublishedModelsUnknown, ModelLoading, ModelNotFetched or ModelDamaged.
        """
        if not project_id:
            raise ProjectIdMissing("project_id is empty; name the project whose model to ask.", field="project_id")
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            changed = self._notifier.subscribe(_CHANGES)
            served = self._served(project_id, publish_name)
            if served is not None and served.model is not None:
                return served.model
            patience = min(seconds, NEWS_SECONDS) if served is None else seconds
            worth_waiting = served is None or (served.state is ModelState.LOADING and not served.retrying)
            left = began + patience - loop.time()
            if not worth_waiting or left <= 0 or not await wait(changed, left):
                raise self._explained(project_id, publish_name, served)

    def _unordered(self) -> list[ServedModel]:
        # Copies are made in one step each, so that the event loop may go on changing what they are made of.
        return [served for models in list(self._projects.values()) for served in list(models.values())]

    def _served(self, project_id: str, publish_name: str) -> ServedModel | None:
        models = self._projects.get(project_id, {})
        if publish_name or len(models) < 2:
            return models.get(publish_name) if publish_name else next(iter(models.values()), None)
        raise PublishNameMissing(
            f"The project has {len(models)} published models; set publish_name to one of: {_listed(models)}.",
            field="publish_name",
        )

    def _explained(self, project_id: str, publish_name: str, served: ServedModel | None) -> Exception:
        if served is None:
            return self._unknown(project_id, publish_name)
        name = served.published.name.publish_name
        metadata = {"project_id": project_id, "publish_name": name, "iteration_id": served.published.iteration_id}
        if served.state is ModelState.FAILED:
            return ModelDamaged(
                f"The model '{name}' could not be loaded: {served.failure_reason} Publish another iteration.",
                metadata=metadata,
            )
        if served.failure_reason:
            return ModelNotFetched(
                f"The model '{name}' could not be fetched and will be tried again: {served.failure_reason}",
                metadata=metadata,
            )
        return ModelLoading(f"The model '{name}' is being loaded; try again in a moment.", metadata=metadata)

    def _unknown(self, project_id: str, publish_name: str) -> Exception:
        metadata = {"project_id": project_id, "publish_name": publish_name}
        if not self.synchronized:
            return PublishedModelsUnknown(
                "What is published is not known yet: the project service has not answered since this start. "
                "See that it runs, then try again.",
                metadata=metadata,
            )
        models = self._projects.get(project_id, {})
        if not models:
            return ModelNotPublished(
                f"Project {project_id} has no published model; publish one of its iterations first.", metadata=metadata
            )
        return ModelNotPublished(
            f"Nothing is published as '{publish_name}' in project {project_id}; published there: {_listed(models)}.",
            metadata=metadata,
        )

    def _changed(self, name: ModelName) -> None:
        self._notifier.touch(_CHANGES)
        served = self._projects.get(name.project_id, {}).get(name.publish_name)
        if served is None or served.tried:
            self._first_loads.end(name)


def _listed(models: dict[str, ServedModel]) -> str:
    names = [f"'{name}'" for name in sorted(models)]
    rest = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
