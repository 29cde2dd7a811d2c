"""Gateways that the tests of one file share, alone or before real and scripted services."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from prepared_backbone import prepare_built_in_backbone
from running_gateway import ScriptedGateway, Scripts, ServedGateway, client_of, gateway, served_gateway, training_client
from training_suite import TrainingSuite, running_training_suite

HERE = Path(__file__).parent
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")
of_each_test = pytest_asyncio.fixture(loop_scope="module")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets the tests of one file run on one event loop, that of the services which they share."""
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of prepared backbones that holds the built-in one."""
    return prepare_built_in_backbone(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings as `settings` has them, for what the tests of one file share."""
    anywhere = "127.0.0.1:0"
    return Settings(
        home=tmp_path_factory.mktemp("shared") / "home",
        project_address=anywhere,
        training_address=anywhere,
        prediction_address=anywhere,
        http_address=anywhere,
        backbone_download=False,
        training_early_embedding=False,
    )


@shared
async def lone_gateway(shared_settings: Settings, keys: Keys) -> AsyncIterator[httpx.URL]:
    """The address of a gateway behind which no service is."""
    async with gateway(shared_settings, keys) as client:
        yield client.base_url


@of_each_test
async def client(lone_gateway: httpx.URL) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key of a gateway behind which no service is."""
    async with client_of(lone_gateway) as client:
        yield client


@shared
async def project_suite(shared_settings: Settings, keys: Keys) -> AsyncIterator[TrainingSuite]:
    """A project service; nothing trains."""
    suite = TrainingSuite(shared_settings, keys)
    try:
        await suite.start_project()
        yield suite
    finally:
        await suite.stop_project()


@shared
async def project_gateway(project_suite: TrainingSuite, keys: Keys) -> AsyncIterator[httpx.URL]:
    """The address of a gateway on a project service alone."""
    async with gateway(project_suite.settings, keys) as client:
        yield client.base_url


@of_each_test
async def project_client(project_gateway: httpx.URL) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key of a gateway on a project service alone."""
    async with client_of(project_gateway) as client:
        yield client


@of_each_test
async def project_api(project_gateway: httpx.URL, keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the training API on a project service alone."""
    async with training_client(project_gateway, keys) as client:
        yield client


@shared
async def suite(shared_settings: Settings, keys: Keys, prepared_folder: Path) -> AsyncIterator[TrainingSuite]:
    """Project and training, both serving, with the built-in backbone ready."""
    settings = replace(shared_settings, home=shared_settings.home.with_name("training"))
    shutil.copytree(prepared_folder, settings.home / "training" / "backbones")
    async with running_training_suite(settings, keys) as suite:
        yield suite


@shared
async def suite_gateway(suite: TrainingSuite, keys: Keys) -> AsyncIterator[httpx.URL]:
    """The address of a gateway on project and training."""
    async with gateway(suite.settings, keys) as client:
        yield client.base_url


@of_each_test
async def api(suite_gateway: httpx.URL, keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the training API on project and training."""
    async with training_client(suite_gateway, keys) as client:
        yield client


@shared
async def half_scripted_gateway(shared_settings: Settings, keys: Keys) -> AsyncIterator[ServedGateway]:
    """A gateway before a project service and scripted others."""
    async with served_gateway(replace(shared_settings, home=shared_settings.home.with_name("half")), keys) as gateway:
        yield gateway


@pytest.fixture
def served(half_scripted_gateway: ServedGateway) -> ServedGateway:
    """A gateway before a project service; the others answer nothing until a test gives them scripts."""
    half_scripted_gateway.scripted.answer({})
    return half_scripted_gateway


@of_each_test
async def served_api(served: ServedGateway, keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the training API on a project service and scripted others."""
    async with training_client(served.bare.base_url, keys) as client:
        yield client


@shared
async def all_scripted_gateway(shared_settings: Settings, keys: Keys) -> AsyncIterator[ServedGateway]:
    """A gateway before scripted services."""
    async with served_gateway(shared_settings, keys, scripted_project=True) as gateway:
        yield gateway


@pytest.fixture
def scripted_gateway(all_scripted_gateway: ServedGateway) -> ScriptedGateway:
    """Gives scripts to the services behind a gateway and returns it."""

    def answering(scripts: Scripts) -> ServedGateway:
        all_scripted_gateway.scripted.answer(scripts)
        return all_scripted_gateway

    return answering
