"""Clients of a test's own servers."""

from collections.abc import Callable

import pytest

from customvision.client import ClientSettings

MakeSettings = Callable[..., ClientSettings]


@pytest.fixture
def make_settings() -> MakeSettings:
    """Makes client settings whose services are all at one address, with a key of no machine."""

    def make(address: str = "127.0.0.1:1", *, training_key: str = "t" * 64) -> ClientSettings:
        return ClientSettings(
            project_address=address,
            training_address=address,
            prediction_address=address,
            training_key=training_key,
            prediction_key="p" * 64,
        )

    return make
