"""Takes the pictures of the page that the docs show, on fruit that is drawn for it: a suite, a browser, a whole story."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drawing import draw_data_set
from local_suite import CLI, LocalSuite
from playwright.sync_api import Browser, Page, sync_playwright

from customvision.common.keys import load_keys
from customvision.common.sign_in import sign_in_links
from story import customvision, say

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
