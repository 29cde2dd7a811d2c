"""Features that are computed when images arrive, before a training asks for them."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from customvision.common.channel import open_channel
from customvision.common.keys import Keys, load_or_create_keys
from customvision.common.settings import Settings
from customvision.training.backbones.domain_backbones import DomainBackbones
from customvision.training.backbones.preparation import BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.early_embedding import early_embedding
from customvision.v1 import domains_pb2, images_pb2, projects_pb2, training_service_pb2
from customvision.v1.training_service_pb2_grpc import TrainingServiceStub
from training_process import training_process
from training_suite import TrainingSuite, colored_photos, computing_processes, phases_of

pytestmark = pytest.mark.long

EMBEDDING = training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES
SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED
EARLY_MODULE = "customvision.training.early_embedding"
DIES_AT_THE_FIRST_IMAGES = """
import os, signal
from pathlib import Path
from customvision.training.children.child import run_child

def work(job, reports):
    last = job["after_sequence"] + 3
    reports.send("begun", sequence=last)
    if last == 3:
        with Path(job["features_file"]).with_name("deaths").open("a") as deaths:
            deaths.write("dead ")
        os.kill(os.getpid(), signal.SIGKILL)
    reports.send("embedded", sequence=last)

if __name__ == "__main__":
    run_child(work)
"""


@pytest.fixture
async def eager(prepared_settings: Settings, keys: Keys) -> AsyncIterator[TrainingSuite]:
    """Project and training, both serving, with early embedding."""
    suite = TrainingSuite(replace(prepared_settings, training_early_embedding=True), keys)
    try:
        await suite.start_project()
        await suite.start_training()
        yield suite
    finally:
        await suite.stop_training()
        await suite.stop_project()


def views_known(suite: TrainingSuite) -> dict[str, int]:
    """Returns how many views are cached of each content, on all backbones together."""
    file = suite.settings.home / "training" / "features.sqlite"
    if not file.exists():
        return {}
    with contextlib.closing(sqlite3.connect(file)) as connection:
        try:
            return dict(connection.execute("SELECT content_sha256, COUNT(*) FROM view_features GROUP BY 1"))
        except sqlite3.OperationalError:
            # The file is there before its tables are.
            return {}


def position(suite: TrainingSuite) -> int:
    """Returns the sequence of the last image that was dealt with."""
    file = suite.settings.home / "training" / "training.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        [(sequence,)] = connection.execute("SELECT sequence FROM arrival_position")
    return int(sequence)


async def until(condition: Callable[[], bool]) -> None:
    """Waits until ``condition()`` is true."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


def early_processes() -> list[psutil.Process]:
    """Returns the processes below this one that embed early."""
    found = []
    for process in psutil.Process().children(recursive=True):
        # A process may end while it is looked at.
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and EARLY_MODULE in process.cmdline():
                found.append(process)
    return found


async def embedded_by_run(suite: TrainingSuite, project_id: str) -> int:
    """Trains and returns how many images the run had to embed itself."""
    run_id = await suite.start(project_id, force=True)
    phases = phases_of(await suite.events(run_id))
    assert (await suite.run(run_id)).state == SUCCEEDED
    return phases[EMBEDDING][-1][1]


@pytest.mark.parametrize(("per_tag", "views"), [(10, 4), (20, 2)])
async def test_features_are_there_before_the_training(eager: TrainingSuite, per_tag: int, views: int) -> None:
    """Images are embedded after their upload, in the views that their training uses, which embeds none itself."""
    project_id, _ = await eager.colored_project(per_tag)
    await until(lambda: list(views_known(eager).values()).count(views) == 2 * per_tag)
    assert await embedded_by_run(eager, project_id) == 0


async def test_images_that_are_tagged_later(eager: TrainingSuite) -> None:
    """Images that come without tags are embedded in as many views as a training wants once they are tagged."""
    project_id = await eager.create_project()
    image_ids = [await eager.upload(project_id, colored_photos(color, 20)) for color in range(2)]
    await until(lambda: len(views_known(eager)) == 40)
    for number, ids in enumerate(image_ids):
        tag_id = await eager.create_tag(project_id, f"color {number}")
        request = images_pb2.TagImagesRequest(project_id=project_id, image_ids=ids, tag_ids=[tag_id])
        await eager.project.TagImages(request)
    assert await embedded_by_run(eager, project_id) == 0


async def test_one_process_stays_while_images_come(eager: TrainingSuite) -> None:
    """A process embeds the images of a later upload, too, and behind everything else; idle, it ends."""
    project_id = await eager.create_project()
    await eager.upload(project_id, colored_photos(0, 5))
    await until(lambda: len(views_known(eager)) == 5)
    [process] = early_processes()
    assert process.nice() == 19
    await eager.upload(project_id, colored_photos(1, 5))
    await until(lambda: len(views_known(eager)) == 10)
    assert early_processes() == [process]
    await until(lambda: not early_processes())


async def test_runs_go_first(eager: TrainingSuite) -> None:
    """While a run computes no image is embedded early; what is left then is embedded after it."""
    project_id, _ = await eager.colored_project(per_tag=150)
    await until(lambda: len(views_known(eager)) > 0)
    other_id = await eager.create_project()
    run_id = await eager.start(project_id)
    await eager.reached(run_id, EMBEDDING)
    await eager.upload(other_id, colored_photos(2, 3))
    before = position(eager)
    while not (await eager.run(run_id)).HasField("end_time"):
        if computing_processes():
            assert not early_processes()
        await asyncio.sleep(0.02)
    assert (await eager.run(run_id)).state == SUCCEEDED
    await until(lambda: len(views_known(eager)) == 303)
    assert before < 303
    await until(lambda: position(eager) >= 303)


async def test_killed_process_is_followed_by_another(eager: TrainingSuite) -> None:
    """After kill -9 of the process that embeds early another one goes on."""
    await eager.colored_project(per_tag=80)
    await until(lambda: len(views_known(eager)) > 0)
    for process in early_processes():
        process.kill()
    await until(lambda: len(views_known(eager)) == 160)


async def test_killed_service_goes_on_where_it_stopped(prepared_settings: Settings) -> None:
    """After kill -9 of the service its process is gone, and the next start embeds what is left."""
    keys, _ = load_or_create_keys(prepared_settings.home)
    suite = TrainingSuite(replace(prepared_settings, training_early_embedding=True), keys)
    await suite.start_project()
    try:
        project_id, _ = await suite.colored_project(per_tag=80)
        async with training_process(suite.settings) as process:
            await process.start()
            await until(lambda: len(views_known(suite)) > 0)
            done = position(suite)
            orphans = early_processes()
        assert orphans
        await until(lambda: not any(process.is_running() for process in orphans))
        assert position(suite) >= done
        async with training_process(suite.settings) as process:
            address = await process.start()
            await until(lambda: len(views_known(suite)) == 160)
            async with open_channel(address, keys) as channel:
                suite.training = TrainingServiceStub(channel)
                assert await embedded_by_run(suite, project_id) == 0
    finally:
        await suite.stop_project()


async def test_project_service_away(eager: TrainingSuite) -> None:
    """Images that arrive after an absence of the project service are embedded like those before."""
    project_id = await eager.create_project()
    await eager.upload(project_id, colored_photos(0, 3))
    await until(lambda: len(views_known(eager)) == 3)
    await eager.stop_project()
    await eager.start_project()
    await eager.upload(project_id, colored_photos(1, 3))
    await until(lambda: len(views_known(eager)) == 6)


async def test_what_cannot_be_read_is_passed_over(suite: TrainingSuite) -> None:
    """A damaged file and a deleted image, both older than the service's start, keep nothing behind them waiting."""
    await suite.stop_training()
    project_id = await suite.create_project()
    ids = await suite.upload(project_id, colored_photos(0, 6))
    request = images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=ids[:1])
    await suite.project.DeleteImages(request)
    damaged = await suite.project.GetImage(images_pb2.GetImageRequest(project_id=project_id, image_id=ids[1]))
    [file] = [
        path
        for path in (suite.settings.home / "project").rglob("*")
        if path.is_file() and damaged.content_sha256[4:] in path.name
    ]
    file.write_bytes(b"no photo" + file.read_bytes()[8:])
    suite.settings = replace(suite.settings, training_early_embedding=True)
    await suite.start_training()
    await until(lambda: position(suite) >= 6)
    assert len(views_known(suite)) == 4
    assert damaged.content_sha256 not in views_known(suite)


async def test_projects_that_are_gone_are_passed_over(suite: TrainingSuite) -> None:
    """Images of a project that was deleted keep those of others not waiting."""
    await suite.stop_training()
    gone_id = await suite.create_project()
    await suite.upload(gone_id, colored_photos(0, 3))
    await suite.project.DeleteProject(projects_pb2.DeleteProjectRequest(project_id=gone_id))
    await suite.upload(await suite.create_project(), colored_photos(1, 3))
    suite.settings = replace(suite.settings, training_early_embedding=True)
    await suite.start_training()
    await until(lambda: len(views_known(suite)) == 3)


async def test_switched_off(suite: TrainingSuite) -> None:
    """Without early embedding the run embeds every image itself, and nothing was cached before."""
    project_id, _ = await suite.colored_project(per_tag=5)
    assert await embedded_by_run(suite, project_id) == 10
    assert position(suite) == 0


async def compact_domain(suite: TrainingSuite) -> str:
    """Returns the id of a domain beside the default one."""
    domains = (await suite.project.ListDomains(domains_pb2.ListDomainsRequest())).domains
    return next(domain.domain_id for domain in domains if domain.architecture == "mobilenet_v2_0.35_224")


async def project_of_domain(suite: TrainingSuite, domain_id: str) -> str:
    """Creates a project of a domain and returns its id."""
    request = projects_pb2.CreateProjectRequest(
        name="Compact",
        classification_type=projects_pb2.CLASSIFICATION_TYPE_MULTICLASS,
        domain_id=domain_id,
    )
    return (await suite.project.CreateProject(request)).project_id


async def test_each_project_on_the_network_of_its_domain(eager: TrainingSuite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are embedded on the backbone of their project's domain, also of one that a process at work lacks."""
    asked: list[str] = []
    of_domain = DomainBackbones.of_domain

    async def named(self: DomainBackbones, domain_id: str) -> PreparedBackbone:
        asked.append(domain_id)
        return replace(await of_domain(self, domain_id), backbone_id=f"backbone of {domain_id}")

    monkeypatch.setattr(DomainBackbones, "of_domain", named)
    compact = await compact_domain(eager)
    await eager.upload(await eager.create_project(), colored_photos(0, 3))
    await until(lambda: len(views_known(eager)) == 3)
    await eager.upload(await project_of_domain(eager, compact), colored_photos(1, 2))
    await until(lambda: len(views_known(eager)) == 5)
    file = eager.settings.home / "training" / "features.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        query = "SELECT backbone_id, COUNT(DISTINCT content_sha256) FROM view_features GROUP BY 1"
        counts = dict(connection.execute(query))
    [default] = set(asked) - {compact}
    assert counts == {f"backbone of {default}": 3, f"backbone of {compact}": 2}


async def test_domains_without_a_backbone_are_passed_over(
    eager: TrainingSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A domain whose backbone cannot be made ready keeps no other waiting, and is asked for once."""
    compact = await compact_domain(eager)
    refused: list[str] = []
    of_domain = DomainBackbones.of_domain

    async def unavailable(self: DomainBackbones, domain_id: str) -> PreparedBackbone:
        if domain_id == compact:
            refused.append(domain_id)
            raise BackboneUnavailable("There is none.")
        return await of_domain(self, domain_id)

    monkeypatch.setattr(DomainBackbones, "of_domain", unavailable)
    other_id = await project_of_domain(eager, compact)
    await eager.upload(other_id, colored_photos(1, 2))
    await until(lambda: position(eager) == 2)
    await eager.upload(other_id, colored_photos(1, 2, first=2))
    await eager.upload(await eager.create_project(), colored_photos(0, 3))
    await until(lambda: len(views_known(eager)) == 3)
    assert refused == [compact]


async def test_images_that_end_the_process_are_passed_over(
    eager: TrainingSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images at which the process dies three times keep those behind them waiting no longer."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "dying_process.py").write_text(DIES_AT_THE_FIRST_IMAGES)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(early_embedding, "MODULE", "dying_process")
    monkeypatch.setattr(early_embedding, "SECONDS_AFTER_FAILURE", 0.01)
    await eager.upload(await eager.create_project(), colored_photos(0, 6))
    await until(lambda: position(eager) == 6)
    assert (eager.settings.home / "training" / "deaths").read_text() == "dead " * 3
