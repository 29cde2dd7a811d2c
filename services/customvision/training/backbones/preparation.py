"""The backbone of this service, made ready in the background by a child process."""

import asyncio
import contextlib
from typing import Any

import structlog

from customvision.common.errors import ConfigurationError
from customvision.common.settings import Settings
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.child_process import ChildKilled, ChildStopped, reports_of

MODULE = "customvision.training.backbones"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}

log = structlog.get_logger()


class BackboneUnavailable(Exception):
    """No backbone can be made ready; the message says in a sentence why and what to do."""


class BackbonePreparation:
    """Makes the backbone ready once, from the service's start on; runs wait for it here."""

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
        self._environment = {**QUIET, "KERAS_HOME": str(settings.home / "backbones" / "keras")}
        self._task: asyncio.Task[PreparedBackbone] | None = None
        self._known_backbone_id = ""

    def start(self) -> None:
        """Begins, or begins again where it failed before."""
        if self._task is None or (self._task.done() and not self.ready):
            self._task = asyncio.create_task(self._prepare())

    @property
    def ready(self) -> bool:
        """True once the backbone can be used."""
        task = self._task
        return task is not None and task.done() and not task.cancelled() and task.exception() is None

    async def backbone(self) -> PreparedBackbone:
        """Returns the backbone once it is ready. Raises BackboneUnavailable."""
        self.start()
        assert self._task is not None  # noqa: S101 - it was started
        return await asyncio.shield(self._task)

    def outcome(self) -> PreparedBackbone | None:
        """Returns the backbone, or None while it is being made ready. Raises BackboneUnavailable; starts nothing."""
        task = self._task
        return None if task is None or not task.done() or task.cancelled() else task.result()

    def known_backbone_id(self) -> str:
        """Returns the backbone's id, or an empty string while it is not known."""
        return self._known_backbone_id

    async def stop(self) -> None:
        """Ends a preparation that is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, BackboneUnavailable):
                await self._task

    async def _prepare(self) -> PreparedBackbone:
        try:
            report = await self._last_report()
        except ChildStopped as error:
            log.error("preparing the backbone failed", log_tail=error.log_tail)
            raise BackboneUnavailable(_reason(error)) from error
        if report["kind"] == "unusable":
            log.error("the backbone weights cannot be used", reason=report["reason"])
            raise BackboneUnavailable(report["reason"])
        backbone = PreparedBackbone(**report["backbone"])
        log.info("backbone ready", backbone_id=backbone.backbone_id, weights_source=backbone.weights_source)
        return backbone

    async def _last_report(self) -> dict[str, Any]:
        last: dict[str, Any] = {}
        async with contextlib.aclosing(reports_of(MODULE, self._request, environment=self._environment)) as reports:
            async for report in reports:
                if report["kind"] == "found":
                    self._take_note(report)
                last = report
        return last

    def _take_note(self, found: dict[str, Any]) -> None:
        # Told before the conversion, which may take a while.
        self._known_backbone_id = found["backbone_id"]
        if found["warning"]:
            log.warning(found["warning"])


def _reason(error: ChildStopped) -> str:
    if isinstance(error, ChildKilled):
        return (
            f"Preparing the backbone was killed ({error.cause}); the machine may be short of memory. "
            "Train again when it has more."
        )
    return "Preparing the backbone failed; the training service's log says more."
