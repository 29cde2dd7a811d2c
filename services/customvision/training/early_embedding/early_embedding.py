"""Follows the images that arrive, and has their features computed while nobody waits for them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import structlog

from customvision.common.background import forever
from customvision.common.errors import NotFound, ServiceError
from customvision.training.backbones.domain_backbones import DomainBackbones
from customvision.training.backbones.domains import DomainUnusable
from customvision.training.backbones.preparation import BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.children.child_process import ChildStopped, reports_of
from customvision.training.early_embedding.image_arrivals import ImageArrivals
from customvision.training.early_embedding.job import EarlyJob
from customvision.training.runs.attempt_plan import ENVIRONMENT, Place
from customvision.training.runs.precedence import Precedence
from customvision.training.store.arrival_position import ArrivalPosition

MODULE = "customvision.training.early_embedding"
# Uploads come image by image, and a training may follow at once: a process is not started for the first of them.
SECONDS_TO_COLLECT = 0.5
FIRST_PAUSE_SECONDS = 0.5
PAUSE_SECONDS_WITHOUT_PROJECT = 2.0
SECONDS_AFTER_FAILURE = 1.0
MAX_SECONDS_AFTER_FAILURE = 300.0
TRIES = 3

log = structlog.get_logger()


class EarlyEmbedding:
    """Embeds images as they come, behind all runs; what it leaves, runs embed themselves."""

    def __init__(
        self,
        arrivals: ImageArrivals,
        position: ArrivalPosition,
        backbones: DomainBackbones,
        precedence: Precedence,
        place: Place,
    ) -> None:
        self._arrivals = arrivals
        self._position = position
        self._backbones = backbones
        self._precedence = precedence
        self._place = place
        # To make their backbones ready again and again takes more than it may bring; a restart tries once more.
        self._unusable_domains: set[str] = set()
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._failures = 0
        self._under_way: int | None = None

    async def work(self) -> None:
        """Embeds what comes and never ends. Cancelled, it leaves no process behind."""
        await forever(self._embed_next, seconds_after_error=PAUSE_SECONDS_WITHOUT_PROJECT)

    async def _embed_next(self) -> None:
        try:
            await self._wait_and_embed()
        except ServiceError as error:
            log.debug("images are embedded later", reason=error.message)
            await asyncio.sleep(self._pause_seconds)
            self._pause_seconds = min(2 * self._pause_seconds, PAUSE_SECONDS_WITHOUT_PROJECT)
        else:
            self._pause_seconds = FIRST_PAUSE_SECONDS

    async def _wait_and_embed(self) -> None:
        domain_ids = await self._arrivals.domains_after(await self._position.read())
        await asyncio.sleep(SECONDS_TO_COLLECT)
        backbones = {domain_id: await self._backbone(domain_id) for domain_id in sorted(domain_ids)}
        await self._precedence.give_way(lambda: self._embed(backbones))

    async def _backbone(self, domain_id: str) -> PreparedBackbone | None:
        if domain_id in self._unusable_domains:
            return None
        try:
            return await self._backbones.of_domain(domain_id)
        except (BackboneUnavailable, DomainUnusable, NotFound) as error:
            log.warning("images of a domain are not embedded early", domain_id=domain_id, reason=str(error))
            self._unusable_domains.add(domain_id)
            return None

    async def _embed(self, backbones: Mapping[str, PreparedBackbone | None]) -> None:
        self._under_way = None
        place = self._place
        job = EarlyJob(
            await self._position.read(), backbones, str(place.features_file), place.project_address, place.training_key
        )
        try:
            await self._take(reports_of(MODULE, job.to_record(), environment=ENVIRONMENT))
        except ChildStopped as error:
            await self._fail(error.log_tail)

    async def _take(self, reports: AsyncGenerator[dict[str, Any], None]) -> None:
        async with contextlib.aclosing(reports):
            async for report in reports:
                match report["kind"]:
                    case "begun":
                        self._under_way = report["sequence"]
                    case "embedded":
                        await self._position.move(report["sequence"])
                        self._under_way = None
                        self._failures = 0
                    case "problem":
                        await self._fail(report["reason"])

    async def _fail(self, reason: str) -> None:
        self._failures += 1
        log.warning("embedding images early failed", failures=self._failures, reason=reason)
        if self._under_way is not None and self._failures % TRIES == 0:
            # Something about these images; those behind them need not suffer.
            await self._position.move(self._under_way)
        # No more doublings than lead beyond the longest pause.
        await asyncio.sleep(min(SECONDS_AFTER_FAILURE * 2 ** min(self._failures - 1, 10), MAX_SECONDS_AFTER_FAILURE))
