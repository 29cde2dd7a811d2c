"""Where a whole suite tells its figures."""

import asyncio
from dataclasses import replace

import pytest

from customvision.common.errors import ConfigurationError
from customvision.common.settings import Settings
from customvision.suite.__main__ import main


async def test_a_suite_refuses_an_address_that_its_services_cannot_share(settings: Settings) -> None:
    """The sentence names the setting and where the figures are instead; nothing was started."""
    wrong = replace(settings, metrics_address="127.0.0.1:9100", http_address="127.0.0.1:8080")
    with pytest.raises(ConfigurationError, match="CUSTOMVISION_METRICS_ADDRESS") as raised:
        await main(wrong, asyncio.Event())
    assert "http://127.0.0.1:8080/metrics" in str(raised.value)
    assert not settings.home.exists()
