"""A real browser before a real gateway and a real project service."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from page_visit import Visit, visiting
from running_gateway import ServedGateway, served_gateway

# Debian's names; the page is tested with what the system has, for browsers come from hosts that not everyone reaches.
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed here (Debian: apt install chromium)")
    async with async_playwright() as playwright:
        # As root, Chromium cannot make its sandbox.
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def served(settings: Settings, keys: Keys) -> AsyncIterator[ServedGateway]:
    """A gateway before a project service."""
    async with served_gateway(settings, keys) as gateway:
        yield gateway


@pytest.fixture
async def visit(browser: Browser, served: ServedGateway) -> AsyncIterator[Visit]:
    """A browser on the gateway; nothing may have gone wrong on the page, nor asked another host, at the end."""
    async with visiting(browser, str(served.bare.base_url)) as visit:
        yield visit
