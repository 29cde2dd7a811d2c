"""The backbones of this service, made ready in the background by child processes."""

import asyncio
import contextlib
from typing import Any

import structlog

from customvision.common.errors import ConfigurationError
from customvision.common.settings import Settings
from customvision.training.backbones.architectures import DEFAULT, Architecture
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.children.child_process import ChildKilled, ChildStopped, reports_of

MODULE = "customvision.training.backbones"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}

log = structlog.get_logger()


class BackboneUnavailable(Exception):
    """No backbone can be made ready; the message says in a sentence why and what to do."""


class BackbonePreparation:
    """Makes a backbone ready for each network that is asked for, once; runs wait for it here."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError where the weights file that the user named is missing."""
        named = settings.backbone_weights
        if named is not None and not named.is_file():
            raise ConfigurationError(
                f"CUSTOMVISION_BACKBONE_WEIGHTS names {named}, and there is no such file. Correct it or unset it."
            )
        self._request = {
            "named": str(named) if named else None,
            "weights_folder": str(settings.folder("backbones")),
            "download": settings.backbone_download,
            "prepared_folder": str(settings.folder("training") / "backbones"),
        }
        # Keras writes what OpenVINO runs without TensorFlow, whose loading would take most of the time.
        self._environment = {
            **QUIET,
            "KERAS_BACKEND": "openvino",
            "KERAS_HOME": str(settings.home / "backbones" / "keras"),
        }
        self._tasks: dict[Architecture, asyncio.Task[PreparedBackbone]] = {}
        self._known_backbone_ids: dict[Architecture, str] = {}
        # Two conversions side by side take twice the memory, and no less time.
        self._one_at_a_time = asyncio.Lock()

    def start(self, architecture: Architecture = DEFAULT) -> None:
        """Begins, unless it has begun before."""
        if architecture not in self._tasks:
            self._tasks[architecture] = asyncio.create_task(self._prepare(architecture))

    async def backbone(self, architecture: Architecture = DEFAULT) -> PreparedBackbone:
        """Returns the backbone once it is ready; begins again where it failed before. Raises BackboneUnavailable."""
        if architecture in self._tasks and _failed(self._tasks[architecture]):
            del self._tasks[architecture]
        self.start(architecture)
        return await asyncio.shield(self._tasks[architecture])

    def outcome(self, architecture: Architecture = DEFAULT) -> PreparedBackbone | None:
        """Returns the backbone, or None while it is being made ready. Raises BackboneUnavailable; starts nothing."""
        task = self._tasks.get(architecture)
        return None if task is None or not task.done() or task.cancelled() else task.result()

    def known_backbone_id(self, architecture: Architecture = DEFAULT) -> str:
        """Returns the backbone's id, or an empty string while it is not known."""
        return self._known_backbone_ids.get(architecture, "")

    async def stop(self) -> None:
        """Ends preparations that are under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _prepare(self, architecture: Architecture) -> PreparedBackbone:
        try:
            async with self._one_at_a_time:
                report = await self._last_report(architecture)
        except ChildStopped as error:
            log.error("preparing the backbone failed", architecture=architecture.name, log_tail=error.log_tail)
            raise BackboneUnavailable(_reason(error)) from error
        if report["kind"] == "unusable":
            log.error("the backbone weights cannot be used", architecture=architecture.name, reason=report["reason"])
            raise BackboneUnavailable(report["reason"])
        backbone = PreparedBackbone(**report["backbone"])
        log.info("backbone ready", backbone_id=backbone.backbone_id, weights_source=backbone.weights_source)
        return backbone

    async def _last_report(self, architecture: Architecture) -> dict[str, Any]:
        last: dict[str, Any] = {}
        request = {"architecture": architecture.name, **self._request}
        async with contextlib.aclosing(reports_of(MODULE, request, environment=self._environment)) as reports:
            async for report in reports:
                if report["kind"] == "found":
                    self._take_note(architecture, report)
                last = report
        return last

    def _take_note(self, architecture: Architecture, found: dict[str, Any]) -> None:
        # Told before the conversion, which may take a while.
        self._known_backbone_ids[architecture] = found["backbone_id"]
        if found["warning"]:
            log.warning(found["warning"])


def _failed(task: "asyncio.Task[PreparedBackbone]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _reason(error: ChildStopped) -> str:
    if isinstance(error, ChildKilled):
        return (
            f"Preparing the backbone was killed ({error.cause}); the machine may be short of memory. "
            "Train again when it has more."
        )
    return "Preparing the backbone failed; the training service's log says more."
