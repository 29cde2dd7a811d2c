"""Settings from the environment."""

import os
from pathlib import Path

import pytest

from customvision.common.errors import ConfigurationError
from customvision.common.settings import Settings
from customvision.common.url_fetching.addresses import AllowedHosts


def test_an_empty_environment_gives_the_defaults() -> None:
    """Without settings everything is on this machine, on the known ports."""
    settings = Settings.from_environment({})
    assert settings.home == Path("~/.customvision").expanduser()
    assert settings.project_address == "127.0.0.1:50051"
    assert settings.training_address == "127.0.0.1:50052"
    assert settings.prediction_address == "127.0.0.1:50053"
    assert settings.http_address == "127.0.0.1:8080"
    assert settings.backbone_weights is None
    assert settings.backbone_download
    assert settings.training_concurrent_runs == 1
    assert settings.training_time_limit_seconds == 24 * 3600
    assert settings.training_memory_limit_bytes is None
    assert settings.training_early_embedding
    assert settings.prediction_retention_seconds == 30 * 86400
    assert settings.metrics_address is None
    assert not settings.access_log
    assert settings.prediction_workers == 1
    assert settings.drain_seconds == 1
    assert settings.keys_file is None


def test_what_is_set_is_used(tmp_path: Path) -> None:
    """Every setting arrives, paths made absolute."""
    settings = Settings.from_environment(
        {
            "CUSTOMVISION_HOME": str(tmp_path),
            "CUSTOMVISION_PROJECT_ADDRESS": "[::1]:1",
            "CUSTOMVISION_BACKBONE_WEIGHTS": "weights.h5",
            "CUSTOMVISION_BACKBONE_DOWNLOAD": "Off",
            "CUSTOMVISION_LOG_LEVEL": "DEBUG",
            "CUSTOMVISION_TRAINING_CONCURRENT_RUNS": "3",
            "CUSTOMVISION_TRAINING_TIME_LIMIT": "1h30m",
            "CUSTOMVISION_TRAINING_MEMORY_LIMIT": "4GiB",
            "CUSTOMVISION_TRAINING_EARLY_EMBEDDING": "off",
            "CUSTOMVISION_URL_ALLOWED_HOSTS": "photos.lan, 10.1.0.0/16",
            "CUSTOMVISION_PREDICTION_RETENTION": "2d12h",
            "CUSTOMVISION_METRICS_ADDRESS": "127.0.0.1:9100",
            "CUSTOMVISION_ACCESS_LOG": "on",
            "CUSTOMVISION_PREDICTION_WORKERS": "4",
            "CUSTOMVISION_DRAIN_SECONDS": "2.5",
            "CUSTOMVISION_KEYS_FILE": "secret.json",
        }
    )
    assert settings.home == tmp_path
    assert settings.project_address == "[::1]:1"
    assert settings.backbone_weights == Path("weights.h5").absolute()
    assert not settings.backbone_download
    assert settings.log_level == "debug"
    assert settings.training_concurrent_runs == 3
    assert settings.training_time_limit_seconds == 5400
    assert settings.training_memory_limit_bytes == 4 * 2**30
    assert not settings.training_early_embedding
    assert settings.url_allowed_hosts == AllowedHosts.parse("photos.lan,10.1.0.0/16")
    assert settings.prediction_retention_seconds == 60 * 3600
    assert settings.metrics_address == "127.0.0.1:9100"
    assert settings.access_log
    assert settings.prediction_workers == 4
    assert settings.drain_seconds == 2.5
    assert settings.keys_file == Path("secret.json").absolute()
    assert settings.url_allowed_hosts == AllowedHosts.parse("photos.lan,10.1.0.0/16")


def test_predictions_can_be_kept_for_ever() -> None:
    """The retention can be switched off, in any case of letters."""
    for value in ("off", "OFF"):
        assert (
            Settings.from_environment({"CUSTOMVISION_PREDICTION_RETENTION": value}).prediction_retention_seconds is None
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CUSTOMVISION_PROJECT_ADDRESS", "50051"),
        ("CUSTOMVISION_TRAINING_ADDRESS", "localhost:"),
        ("CUSTOMVISION_PREDICTION_ADDRESS", "localhost:70000"),
        ("CUSTOMVISION_HTTP_ADDRESS", "localhost:http"),
        ("CUSTOMVISION_HTTP_ADDRESS", "localhost:\u00b2"),
        ("CUSTOMVISION_BACKBONE_DOWNLOAD", "maybe"),
        ("CUSTOMVISION_LOG_LEVEL", "loud"),
        ("CUSTOMVISION_TRAINING_CONCURRENT_RUNS", "0"),
        ("CUSTOMVISION_TRAINING_CONCURRENT_RUNS", "\u00b2"),
        ("CUSTOMVISION_TRAINING_CONCURRENT_RUNS", "two"),
        ("CUSTOMVISION_TRAINING_TIME_LIMIT", "0s"),
        ("CUSTOMVISION_TRAINING_TIME_LIMIT", "2 hours"),
        ("CUSTOMVISION_TRAINING_MEMORY_LIMIT", "0"),
        ("CUSTOMVISION_TRAINING_MEMORY_LIMIT", "plenty"),
        ("CUSTOMVISION_TRAINING_EARLY_EMBEDDING", "soon"),
        ("CUSTOMVISION_URL_ALLOWED_HOSTS", "*"),
        ("CUSTOMVISION_URL_ALLOWED_HOSTS", "0.0.0.0/0"),
        ("CUSTOMVISION_PREDICTION_RETENTION", "30"),
        ("CUSTOMVISION_PREDICTION_RETENTION", "0d"),
        ("CUSTOMVISION_PREDICTION_RETENTION", "on"),
        ("CUSTOMVISION_METRICS_ADDRESS", "9100"),
        ("CUSTOMVISION_ACCESS_LOG", "info"),
        ("CUSTOMVISION_PREDICTION_WORKERS", "0"),
        ("CUSTOMVISION_PREDICTION_WORKERS", "auto"),
        ("CUSTOMVISION_DRAIN_SECONDS", "-1"),
        ("CUSTOMVISION_DRAIN_SECONDS", "5s"),
        ("CUSTOMVISION_DRAIN_SECONDS", "601"),
    ],
)
def test_a_bad_value_is_named_with_its_setting(name: str, value: str) -> None:
    """The sentence names the setting and the value."""
    with pytest.raises(ConfigurationError) as raised:
        Settings.from_environment({name: value})
    assert name in str(raised.value)
    assert value in str(raised.value)


def test_a_folder_is_made_and_probed(settings: Settings) -> None:
    """Asking for a data folder makes it and leaves nothing in it."""
    folder = settings.folder("prediction")
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_a_home_that_is_a_file_is_refused(settings: Settings) -> None:
    """A home that cannot be a folder ends in a sentence that names it."""
    settings.home.write_text("")
    with pytest.raises(ConfigurationError, match="CUSTOMVISION_HOME"):
        settings.folder("project")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_home_without_permission_is_refused(settings: Settings) -> None:
    """A folder that may not be written is found at the start."""
    settings.home.mkdir(mode=0o500)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        settings.folder("project")
