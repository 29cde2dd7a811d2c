"""Which backbone a project's domain calls for, as the project service tells."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from customvision.common.background import in_background
from customvision.common.errors import NotFound
from customvision.training.backbones.architectures import DEFAULT, Architecture, architecture_of
from customvision.training.backbones.domain_backbones import DomainBackbones
from customvision.training.backbones.domains import DomainUnusable
from customvision.training.backbones.preparation import BackbonePreparation, BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.runs.attempt import Attempts
from customvision.training.runs.attempt_plan import Place
from customvision.training.runs.run import RunState, TrainingRun
from customvision.training.runs.run_request import RunRequest, TrainingType
from customvision.training.runs.scheduler import Scheduler
from customvision.training.runs.starter import RunStarter
from customvision.v1 import domains_pb2, iterations_pb2, projects_pb2, training_service_pb2
from project_calls import refusal_of
from scripted_project import ScriptedProject, TrainingParts, training_parts
from training_suite import TrainingSuite

TINY = "5b1f"
REQUEST = RunRequest("project", TrainingType.QUICK)
SMALL = architecture_of("mobilenet_v3_small_1.0_224")


class Preparation(BackbonePreparation):
    """A preparation that fails and says for which network; it knows the backbones' ids."""

    def __init__(self) -> None:
        self.started: list[Architecture] = []

    def start(self, architecture: Architecture = DEFAULT) -> None:
        """Remembers what was asked for."""
        self.started.append(architecture)

    async def backbone(self, architecture: Architecture = DEFAULT) -> PreparedBackbone:
        """Fails."""
        raise BackboneUnavailable(f"There is no {architecture.name}.")

    def known_backbone_id(self, architecture: Architecture = DEFAULT) -> str:
        """Returns an id with the network's name in it."""
        return f"backbone of {architecture.name}"


@pytest.fixture
def project() -> ScriptedProject:
    """A project service with one domain beside the default."""
    project = ScriptedProject()
    project.architectures = {TINY: SMALL.name}
    return project


@asynccontextmanager
async def starting(parts: TrainingParts, folder: Path, preparation: Preparation) -> AsyncIterator[RunStarter]:
    """Starts runs, and carries them as far as their backbone."""
    backbones = DomainBackbones(preparation, parts.domains)
    attempts = Attempts(parts.runs, parts.iterations, backbones, Place("", "", folder, folder))
    scheduler = Scheduler(parts.runs, attempts, asyncio.Event())
    async with in_background(scheduler.work()):
        yield RunStarter(parts.runs, parts.iterations, backbones, scheduler)


async def ended(parts: TrainingParts, starter: RunStarter) -> TrainingRun:
    """Starts a run and returns it once it has ended."""
    run = await starter.start(REQUEST, "")
    return await parts.ended(run.training_run_id)


@pytest.mark.parametrize(("domain_id", "architecture"), [("", DEFAULT), (TINY, SMALL)])
async def test_runs_use_the_backbone_of_their_domain(
    project: ScriptedProject, tmp_path: Path, domain_id: str, architecture: Architecture
) -> None:
    """A run is started with the id of its domain's backbone, which is made ready from then on, and waits for that."""
    project.domain_id = domain_id
    preparation = Preparation()
    async with training_parts(tmp_path, project.scripts) as parts, starting(parts, tmp_path, preparation) as starter:
        run = await ended(parts, starter)
        assert parts.server.calls["CreateIteration"][0].request.backbone_id == f"backbone of {architecture.name}"
        assert preparation.started == [architecture]
        assert (run.state, run.failure_reason) == (RunState.FAILED, f"There is no {architecture.name}.")


async def test_iterations_keep_their_domain(project: ScriptedProject, tmp_path: Path) -> None:
    """A run whose project has changed its domain since then is trained on the domain that it was started with."""
    async with training_parts(tmp_path, project.scripts) as parts:
        run = await parts.queued_run()
        project.domain_of[run.iteration_id] = TINY
        async with starting(parts, tmp_path, Preparation()):
            assert (await parts.ended(run.training_run_id)).failure_reason == f"There is no {SMALL.name}."


async def test_domains_are_asked_for_once(project: ScriptedProject, tmp_path: Path) -> None:
    """The project service is asked once for each domain, and never for the default of old iterations."""
    async with training_parts(tmp_path, project.scripts) as parts:
        for _ in range(3):
            assert await parts.domains.architecture(TINY) == SMALL
            assert await parts.domains.architecture("") == DEFAULT
        assert [call.request.domain_id for call in parts.server.calls["GetDomain"]] == [TINY]


async def test_unknown_domains_are_refused(project: ScriptedProject, tmp_path: Path) -> None:
    """A domain that the project service does not know is not found; one of a network unknown here is told in words."""
    project.architectures["new"] = "mobilenet_v4_1.0_224"
    project.domain_id = "new"
    async with training_parts(tmp_path, project.scripts) as parts:
        with pytest.raises(NotFound):
            await parts.domains.architecture("gone")
        with pytest.raises(DomainUnusable, match="'Tiny' cannot be trained here: There is no network 'mobilenet_v4"):
            await parts.domains.architecture_of_project("project")
        run = await parts.queued_run()
        async with starting(parts, tmp_path, Preparation()) as starter:
            assert "choose another domain" in (await parts.ended(run.training_run_id)).failure_reason
            with pytest.raises(DomainUnusable):
                await starter.start(REQUEST, "")
        assert not parts.server.calls["CreateIteration"]


async def test_every_domain_can_be_trained(suite: TrainingSuite) -> None:
    """The network of each domain that the project service has is known to the training service, the default as such."""
    domains = (await suite.project.ListDomains(domains_pb2.ListDomainsRequest())).domains
    assert architecture_of(domains[0].architecture) == DEFAULT
    for domain in domains:
        assert architecture_of(domain.architecture).keras_url
        assert architecture_of(domain.architecture).input_size == domain.input_size


async def test_projects_are_trained_on_their_domain(suite: TrainingSuite) -> None:
    """A project of another domain is told of that domain's network, in GetBackbone, in the run and in the iteration."""
    domains = (await suite.project.ListDomains(domains_pb2.ListDomainsRequest())).domains
    compact = next(domain for domain in domains if domain.architecture == "mobilenet_v2_0.35_224")
    project_id, _ = await suite.colored_project(per_tag=5)
    await suite.project.UpdateProject(
        projects_pb2.UpdateProjectRequest(project_id=project_id, domain_id=compact.domain_id)
    )
    events = await suite.events(await suite.start(project_id))
    wanted = f"in place of the domain's {compact.architecture}"
    assert any(wanted in event.warning for event in events)
    [iteration] = (
        await suite.project.ListIterations(iterations_pb2.ListIterationsRequest(project_id=project_id))
    ).iterations
    assert (iteration.domain_id, wanted in iteration.warnings[0]) == (compact.domain_id, True)
    of_project, of_domain = [
        await suite.training.GetBackbone(training_service_pb2.GetBackboneRequest(**named))
        for named in ({"project_id": project_id}, {"domain_id": compact.domain_id})
    ]
    assert of_project == of_domain
    assert (of_project.backbone, wanted in of_project.warning) == (iteration.backbone, True)
    default = await suite.training.GetBackbone(training_service_pb2.GetBackboneRequest())
    assert wanted not in default.warning
    refused = await refusal_of(suite.training.GetBackbone(training_service_pb2.GetBackboneRequest(domain_id="nowhere")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "DOMAIN_NOT_FOUND")
