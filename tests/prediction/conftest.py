"""A project double and prediction services for every test here."""

from collections.abc import AsyncIterator

import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from prediction.running_suite import Suite


@pytest.fixture
async def suite(settings: Settings, keys: Keys) -> AsyncIterator[Suite]:
    """A suite whose project double is up."""
    suite = Suite(settings, keys)
    await suite.start_project()
    yield suite
    await suite.stop_project()
