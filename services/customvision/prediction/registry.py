"""What answers under which name. Belongs to one event loop."""

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from heapq import nsmallest

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
from customvision.prediction.model_changes import ModelChanges
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.prediction.remembered_models import RememberedModel
from customvision.prediction.served_model import LoadModel, ModelState, ServedModel

# News of a publication may arrive just after the call that followed it.
NEWS_SECONDS = 0.2
# How long a start waits for the project service before it settles for what was published before.
TELLING_SECONDS = 1.0
NAMES_SHOWN = 5


class Registry:
    """The served models by project and publish name.

    ``to_remember`` is set when ``remembered()`` has changed, or all that is published has been told; who remembers
    clears it.
    """

    def __init__(self, load: LoadModel, take_up: LoadModel | None = None) -> None:
        """``take_up``, where given, loads iterations that were verified before a restart."""
        self._load = load
        self._take_up = take_up or load
        self._projects: dict[str, dict[str, ServedModel]] = {}
        # In order, so that a page of ten thousand models is no work.
        self._names: list[ModelName] = []
        # Wakes calls that wait for a model of a project.
        self._notifier = Notifier()
        self.changes = ModelChanges()
        self._first_loads = FirstLoads()
        self._synchronized = asyncio.Event()
        self.to_remember = asyncio.Event()

    @property
    def synchronized(self) -> bool:
        """True once all that is published has been told."""
        return self._synchronized.is_set()

    def publish(self, published: PublishedModel, answered: PublishedModel | None = None) -> None:
        """Has ``published`` answer under its name once it is loaded; what answers now goes on until then.

        ``answered`` is the iteration that answered under the name before a restart, where one did.
        """
        models = self._projects.setdefault(published.name.project_id, {})
        served = models.get(published.name.publish_name)
        if served is None:
            insort(self._names, published.name)
            models[published.name.publish_name] = ServedModel(
                published,
                answered,
                self._load,
                self._take_up,
                on_change=self._changed,
                on_replace=self.to_remember.set,
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
            del self._names[bisect_left(self._names, name)]
            if not models:
                del self._projects[name.project_id]
            self._notifier.touch(name.project_id)
            self.changes.note_removed(name)
            self._first_loads.end(name)
            self.to_remember.set()

    def synchronize(self) -> None:
        """Notes that all that is published has been told, so that an unknown name is an error of the caller's."""
        self._synchronized.set()
        self.to_remember.set()

    def close(self) -> None:
        """Stops every load."""
        for served in self.models():
            served.close()
        self._projects.clear()
        self._names.clear()
        self._notifier.close()
        self.changes.close()

    def models(self, project_id: str = "") -> list[ServedModel]:
        """Returns the served models, of one project where given, ordered by project and publish name."""
        return [self._projects[name.project_id][name.publish_name] for name in self.names(project_id)]

    def names(self, project_id: str = "") -> list[ModelName]:
        """Returns the names of the served models, of one project where given, in order."""
        if not project_id:
            return self._names.copy()
        first = bisect_left(self._names, project_id, key=_project_of)
        return self._names[first : bisect_right(self._names, project_id, key=_project_of)]

    def page(self, project_id: str, start: int, size: int) -> tuple[list[ServedModel], bool]:
        """Returns the models from position ``start`` on, ``size`` at most, and whether there are more."""
        names = self.names(project_id)
        models = [self._projects[name.project_id][name.publish_name] for name in names[start : start + size]]
        return models, start + size < len(names)

    def served(self, name: ModelName) -> ServedModel | None:
        """Returns what is published under exactly this name."""
        return self._projects.get(name.project_id, {}).get(name.publish_name)

    def lose(self, model: Model, reason: str) -> None:
        """Takes a model out of service whose network cannot be loaded again, where it still answers."""
        served = self.served(model.published.name)
        if served is not None and served.model is model:
            served.lose(reason)

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
            served = self._asked(project_id, publish_name)
            if served is not None and served.model is not None:
                return served.model
            changed = self._notifier.subscribe(project_id)
            patience = min(seconds, NEWS_SECONDS) if served is None else seconds
            worth_waiting = served is None or (served.state is ModelState.LOADING and not served.retrying)
            left = began + patience - loop.time()
            if not worth_waiting or left <= 0 or not await wait(changed, left):
                raise self._explained(project_id, publish_name, served)

    def _unordered(self) -> list[ServedModel]:
        # Copies are made in one step each, so that the event loop may go on changing what they are made of.
        return [served for models in list(self._projects.values()) for served in list(models.values())]

    def _asked(self, project_id: str, publish_name: str) -> ServedModel | None:
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
        self._notifier.touch(name.project_id)
        self.changes.note(name)
        served = self.served(name)
        if served is not None and served.tried:
            self._first_loads.end(name)


def _project_of(name: ModelName) -> str:
    return name.project_id


def _listed(models: dict[str, ServedModel]) -> str:
    names = ", ".join(f"'{name}'" for name in nsmallest(NAMES_SHOWN, models))
    rest = len(models) - NAMES_SHOWN
    return names + (f" and {rest} more" if rest > 0 else "")
