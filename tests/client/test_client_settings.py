"""Where the clients look for the services and their keys."""

import json
from pathlib import Path

import pytest

from customvision.client import ClientSettings, CustomVisionError

VARIABLES = [
    *(f"CUSTOMVISION_{service}_ADDRESS" for service in ("PROJECT", "TRAINING", "PREDICTION")),
    "CUSTOMVISION_TRAINING_KEY",
    "CUSTOMVISION_PREDICTION_KEY",
    "CUSTOMVISION_KEYS_FILE",
]


@pytest.fixture
def suite_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with keys, and an environment that says nothing else."""
    (tmp_path / "keys.json").write_text(json.dumps({"training_key": "from file", "prediction_key": "p"}))
    monkeypatch.setenv("CUSTOMVISION_HOME", str(tmp_path))
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.mark.usefixtures("suite_home")
def test_defaults_are_the_suite_of_this_machine() -> None:
    """Without settings, the addresses are loopback and the key is the one in the data folder."""
    settings = ClientSettings()
    assert settings.addresses() == {
        "project": "127.0.0.1:50051",
        "training": "127.0.0.1:50052",
        "prediction": "127.0.0.1:50053",
    }
    assert settings.credentials() == ("training-key", "from file")


@pytest.mark.usefixtures("suite_home")
def test_environment_and_arguments_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument outranks the environment, which outranks the data folder."""
    monkeypatch.setenv("CUSTOMVISION_TRAINING_ADDRESS", "training.example:1")
    monkeypatch.setenv("CUSTOMVISION_TRAINING_KEY", "from environment")
    assert ClientSettings().credentials() == ("training-key", "from environment")
    settings = ClientSettings(training_key="given", project_address="[::1]:5")
    assert settings.credentials() == ("training-key", "given")
    assert settings.addresses()["training"] == "training.example:1"
    assert settings.addresses()["project"] == "[::1]:5"


@pytest.mark.usefixtures("suite_home")
def test_keys_are_not_shown() -> None:
    """Printing settings shows no key."""
    assert "from file" not in repr(ClientSettings())


def test_missing_keys_are_explained(suite_home: Path) -> None:
    """Without any key, the error says where keys come from."""
    (suite_home / "keys.json").unlink()
    with pytest.raises(CustomVisionError, match="customvision up") as failure:
        ClientSettings().credentials()
    assert failure.value.reason == "KEY_MISSING"


def test_damaged_keys_are_named(suite_home: Path) -> None:
    """A keys file that is no JSON is named in the error."""
    (suite_home / "keys.json").write_text("{")
    with pytest.raises(CustomVisionError, match=r"keys\.json is damaged"):
        ClientSettings()


@pytest.mark.usefixtures("suite_home")
@pytest.mark.parametrize("address", ["localhost", "host:", ":1", "host:port"])
def test_bad_addresses_are_refused(address: str) -> None:
    """An address without host or port is refused before any call."""
    with pytest.raises(CustomVisionError, match="HOST:PORT"):
        ClientSettings(project_address=address)


@pytest.mark.usefixtures("suite_home")
@pytest.mark.parametrize("key", ["schlüssel", "two\nlines"])
def test_bad_keys_are_refused(key: str) -> None:
    """A key that no header can carry is refused in a sentence."""
    with pytest.raises(CustomVisionError, match="no key has"):
        ClientSettings(training_key=key)


def test_a_keys_file_elsewhere_is_found(suite_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the suite's keys are in a file that its settings name, the clients read it too."""
    secret = suite_home / "secret.json"
    secret.write_text(json.dumps({"training_key": "from secret", "prediction_key": "p"}))
    monkeypatch.setenv("CUSTOMVISION_KEYS_FILE", str(secret))
    assert ClientSettings().credentials() == ("training-key", "from secret")
