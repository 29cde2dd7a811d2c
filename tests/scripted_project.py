"""A project service that a test scripts, and the parts of training that talk to it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc

from customvision.common.channel import open_channel
from customvision.common.database import Connection, Database
from customvision.common.keys import Keys
from customvision.common.notifier import Notifier
from customvision.training.backbones.domains import Domains
from customvision.training.iterations import Iterations
from customvision.training.runs.event import StateChanged
from customvision.training.runs.run import TrainingRun, queued
from customvision.training.runs.run_request import TrainingType
from customvision.training.store.migrations import MIGRATIONS
from customvision.training.store.runs import RunStore
from customvision.v1 import domains_pb2, iterations_pb2, projects_pb2
from scripted_server import ScriptedCall, ScriptedServer

Scripts = Mapping[str, Callable[[ScriptedCall], Any]]


class ScriptedProject:
    """Makes and ends iterations as the project service does; ``error`` is what it answers instead, though it did.

    All projects are of the domain ``domain_id``, and so are iterations unless ``domain_of`` says otherwise;
    ``architectures`` tells the networks of the domains that there are.
    """

    def __init__(self) -> None:
        self.domain_id = ""
        self.domain_of: dict[str, str] = {}
        self.architectures: dict[str, str] = {}
        self.error: grpc.StatusCode | None = None
        self.iteration_of: dict[str, str] = {}
        self.ended: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def scripts(self) -> Scripts:
        """What it answers, by method."""
        return {
            "CreateIteration": self._create,
            "FailIteration": self._fail,
            "GetIteration": self._get,
            "GetProject": lambda _: projects_pb2.Project(domain_id=self.domain_id),
            "GetDomain": self._domain,
        }

    def _get(self, call: ScriptedCall) -> iterations_pb2.Iteration:
        domain_id = self.domain_of.get(call.request.iteration_id, self.domain_id)
        return iterations_pb2.Iteration(status=iterations_pb2.ITERATION_STATUS_TRAINING, domain_id=domain_id)

    def _domain(self, call: ScriptedCall) -> domains_pb2.Domain:
        domain_id = call.request.domain_id
        if domain_id not in self.architectures:
            call.fail(grpc.StatusCode.NOT_FOUND, "There is no such domain.")
        return domains_pb2.Domain(domain_id=domain_id, name="Tiny", architecture=self.architectures[domain_id])

    def _create(self, call: ScriptedCall) -> iterations_pb2.Iteration:
        number = len(self.iteration_of) + 1
        iteration_id = self.iteration_of.setdefault(call.request.request_id, f"iteration {number}")
        self._answer(call)
        return iterations_pb2.Iteration(iteration_id=iteration_id, name=iteration_id)

    def _fail(self, call: ScriptedCall) -> iterations_pb2.Iteration:
        self._answer(call)
        self.ended.append(call.request.iteration_id)
        return iterations_pb2.Iteration()

    def _answer(self, call: ScriptedCall) -> None:
        self.may_answer.wait(10)
        if self.error is not None:
            call.fail(self.error)


@dataclass
class TrainingParts:
    """What the parts of training rest on."""

    database: Database
    runs: RunStore
    iterations: Iterations
    domains: Domains
    server: ScriptedServer

    async def queued_run(self, run_id: str = "run") -> TrainingRun:
        """Stores a queued run and returns it."""
        await self.runs.insert(TrainingRun(run_id, "project", TrainingType.QUICK, False, datetime.now(UTC)))
        return await self.runs.record(run_id, queued(f"iteration of {run_id}", "Iteration 1"), StateChanged())

    async def execute(self, sql: str) -> None:
        """Changes the database behind the store's back."""

        def work(connection: Connection) -> None:
            connection.conn.execute(sql)

        await self.database.write(work)

    async def ended(self, run_id: str = "run") -> TrainingRun:
        """Returns a run once it has ended."""
        return await until(lambda run: run.state.final, self.runs, run_id)


async def until(condition: Callable[[TrainingRun], bool], runs: RunStore, run_id: str = "run") -> TrainingRun:
    """Returns a run once ``condition`` holds of it."""
    async with asyncio.timeout(20):
        while not condition(run := await runs.get(run_id)):
            await asyncio.sleep(0.01)
    return run


@asynccontextmanager
async def training_parts(
    folder: Path, scripts: Scripts, store: Callable[[Database, Notifier], RunStore] = RunStore
) -> AsyncIterator[TrainingParts]:
    """Opens a training database in ``folder`` and a channel to a project service that answers ``scripts``."""
    database = Database(folder / "training.sqlite", MIGRATIONS)
    try:
        with ScriptedServer(scripts) as server:
            async with open_channel(server.address, Keys("t" * 64, "p" * 64)) as channel:
                yield TrainingParts(
                    database, store(database, Notifier()), Iterations(channel), Domains(channel), server
                )
    finally:
        database.close()
