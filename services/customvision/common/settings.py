"""What the environment sets: where the data is and where the services are."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from customvision.common.durable_files import make_folder_durably
from customvision.common.errors import ConfigurationError
from customvision.common.quantities import parse_duration, parse_size
from customvision.common.url_fetching.addresses import AllowedHosts

DEFAULT_ADDRESSES = {
    "project": "127.0.0.1:50051",
    "training": "127.0.0.1:50052",
    "prediction": "127.0.0.1:50053",
    "http": "127.0.0.1:8080",
}
CONCURRENT_RUNS = "CUSTOMVISION_TRAINING_CONCURRENT_RUNS"
TIME_LIMIT = "CUSTOMVISION_TRAINING_TIME_LIMIT"
MEMORY_LIMIT = "CUSTOMVISION_TRAINING_MEMORY_LIMIT"
URL_ALLOWED_HOSTS = "CUSTOMVISION_URL_ALLOWED_HOSTS"
PREDICTION_RETENTION = "CUSTOMVISION_PREDICTION_RETENTION"
PREDICTION_MEMORY = "CUSTOMVISION_PREDICTION_MEMORY"
HTTP_ALLOWED_HOSTS = "CUSTOMVISION_HTTP_ALLOWED_HOSTS"
PREDICTION_WORKERS = "CUSTOMVISION_PREDICTION_WORKERS"
DRAIN_SECONDS = "CUSTOMVISION_DRAIN_SECONDS"
KEYS_FILE = "CUSTOMVISION_KEYS_FILE"
METRICS_ADDRESS = "CUSTOMVISION_METRICS_ADDRESS"
ACCESS_LOG = "CUSTOMVISION_ACCESS_LOG"
# A name, an address, or "*".
HOST = re.compile(r"[\w.-]+|\[?[0-9a-fA-F:.]+\]?|\*", re.ASCII)
DEFAULT_TIME_LIMIT_SECONDS = 24 * 3600.0
DEFAULT_PREDICTION_RETENTION_SECONDS = 30 * 86400.0
DEFAULT_PREDICTION_MEMORY_BYTES = 1024**3
DEFAULT_DRAIN_SECONDS = 1.0
MAX_DRAIN_SECONDS = 600.0


def setting_of_address(service: str) -> str:
    """Returns the name of the setting that holds a service's address."""
    return f"CUSTOMVISION_{service.upper()}_ADDRESS"


@dataclass(frozen=True)
class Settings:
    """Where the data is, where the services are, and which backbone weights to use.

    Addresses are ``host:port``. ``backbone_weights`` is the file that the user named, or None.
    ``backbone_download`` allows Keras to fetch ImageNet weights. ``training_concurrent_runs`` compute side by side,
    each at most ``training_time_limit_seconds`` and in ``training_memory_limit_bytes``, where that is not None.
    ``training_early_embedding`` computes features of images when they arrive. ``url_allowed_hosts`` may be fetched from
    although they are not of the internet. Stored predictions are kept for ``prediction_retention_seconds``, for ever
    where that is None. Fine-tuned networks hold ``prediction_memory_bytes`` at most. ``http_allowed_hosts`` are names
    that the gateway answers to beside its own address; "*" is every name. ``prediction_workers`` processes answer
    predictions side by side. A service that was told to stop still serves for ``drain_seconds``. ``keys_file`` holds
    the keys, where not keys.json in ``home`` does. A service that runs alone tells its figures at ``metrics_address``,
    where that is not None; ``access_log`` logs every call.
    """

    home: Path
    project_address: str
    training_address: str
    prediction_address: str
    http_address: str
    backbone_weights: Path | None = None
    backbone_download: bool = True
    log_level: str = "info"
    training_concurrent_runs: int = 1
    training_time_limit_seconds: float = DEFAULT_TIME_LIMIT_SECONDS
    training_memory_limit_bytes: int | None = None
    training_early_embedding: bool = True
    url_allowed_hosts: AllowedHosts = field(default_factory=AllowedHosts)
    prediction_retention_seconds: float | None = DEFAULT_PREDICTION_RETENTION_SECONDS
    prediction_memory_bytes: int = DEFAULT_PREDICTION_MEMORY_BYTES
    http_allowed_hosts: tuple[str, ...] = ()
    prediction_workers: int = 1
    drain_seconds: float = DEFAULT_DRAIN_SECONDS
    keys_file: Path | None = None
    metrics_address: str | None = None
    access_log: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Reads the settings. Raises ConfigurationError, naming the setting, where one cannot be used."""
        values = os.environ if environment is None else environment
        weights = values.get("CUSTOMVISION_BACKBONE_WEIGHTS", "")
        keys_file = values.get(KEYS_FILE, "")
        addresses = {
            service: _address(setting_of_address(service), values.get(setting_of_address(service), "") or default)
            for service, default in DEFAULT_ADDRESSES.items()
        }
        return cls(
            home=Path(values.get("CUSTOMVISION_HOME", "") or "~/.customvision").expanduser().absolute(),
            project_address=addresses["project"],
            training_address=addresses["training"],
            prediction_address=addresses["prediction"],
            http_address=addresses["http"],
            backbone_weights=Path(weights).expanduser().absolute() if weights else None,
            backbone_download=_switch("CUSTOMVISION_BACKBONE_DOWNLOAD", values, default=True),
            log_level=_log_level(values.get("CUSTOMVISION_LOG_LEVEL", "") or "info"),
            training_concurrent_runs=_count(CONCURRENT_RUNS, values, default=1),
            training_time_limit_seconds=_duration(TIME_LIMIT, values, default=DEFAULT_TIME_LIMIT_SECONDS),
            training_memory_limit_bytes=_size(MEMORY_LIMIT, values),
            training_early_embedding=_switch("CUSTOMVISION_TRAINING_EARLY_EMBEDDING", values, default=True),
            url_allowed_hosts=_allowed_hosts(values.get(URL_ALLOWED_HOSTS, "")),
            prediction_retention_seconds=_retention(PREDICTION_RETENTION, values),
            prediction_memory_bytes=_size(PREDICTION_MEMORY, values) or DEFAULT_PREDICTION_MEMORY_BYTES,
            http_allowed_hosts=_hosts(HTTP_ALLOWED_HOSTS, values),
            prediction_workers=_count(PREDICTION_WORKERS, values, default=1),
            drain_seconds=_seconds(DRAIN_SECONDS, values, default=DEFAULT_DRAIN_SECONDS, most=MAX_DRAIN_SECONDS),
            keys_file=Path(keys_file).expanduser().absolute() if keys_file else None,
            metrics_address=_address(METRICS_ADDRESS, metrics)
            if (metrics := values.get(METRICS_ADDRESS, ""))
            else None,
            access_log=_switch(ACCESS_LOG, values, default=False),
        )

    def address(self, service: str) -> str:
        """Returns the address of "project", "training", "prediction" or "http"."""
        addresses = {
            "project": self.project_address,
            "training": self.training_address,
            "prediction": self.prediction_address,
            "http": self.http_address,
        }
        return addresses[service]

    def folder(self, name: str) -> Path:
        """Returns the data folder's sub-folder of that name, made if missing.

        Raises ConfigurationError where it cannot be made or written.
        """
        folder = self.home / name
        try:
            make_folder_durably(folder)
            probe = folder / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ConfigurationError(
                f"The data folder {folder} cannot be written ({error.strerror}). "
                "Make it writable, or set CUSTOMVISION_HOME to another folder."
            ) from error
        return folder


def _address(setting: str, value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ConfigurationError(f"{setting} is '{value}'; it must be HOST:PORT, such as 127.0.0.1:50051.")
    return value


def _hosts(setting: str, values: Mapping[str, str]) -> tuple[str, ...]:
    hosts = tuple(host.strip() for host in values.get(setting, "").split(",") if host.strip())
    wrong = next((host for host in hosts if not HOST.fullmatch(host)), None)
    if wrong is not None:
        raise ConfigurationError(f"{setting} has '{wrong}'; it must be names of hosts parted by commas, without ports.")
    return hosts


def _switch(setting: str, values: Mapping[str, str], *, default: bool) -> bool:
    value = values.get(setting, "").lower()
    if value in ("", "1", "0", "on", "off", "true", "false"):
        return default if value == "" else value in ("1", "on", "true")
    raise ConfigurationError(f"{setting} is '{value}'; it must be 'on' or 'off'.")


def _log_level(value: str) -> str:
    if value.lower() in ("debug", "info", "warning", "error"):
        return value.lower()
    raise ConfigurationError(f"CUSTOMVISION_LOG_LEVEL is '{value}'; it must be debug, info, warning or error.")


def _count(setting: str, values: Mapping[str, str], *, default: int) -> int:
    value = values.get(setting, "") or str(default)
    if not (value.isascii() and value.isdecimal() and int(value) > 0):
        raise ConfigurationError(f"{setting} is '{value}'; it must be a number above 0.")
    return int(value)


def _seconds(setting: str, values: Mapping[str, str], *, default: float, most: float) -> float:
    value = values.get(setting, "") or str(default)
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value, re.ASCII) or float(value) > most:
        raise ConfigurationError(f"{setting} is '{value}'; it must be a number of seconds from 0 to {most:g}.")
    return float(value)


def _duration(setting: str, values: Mapping[str, str], *, default: float) -> float:
    value = values.get(setting, "")
    try:
        seconds = parse_duration(value) if value else default
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise ConfigurationError(f"{setting} is '{value}'; it must be a time above 0, such as 90s, 30m or 2h.")
    return seconds


def _retention(setting: str, values: Mapping[str, str]) -> float | None:
    if values.get(setting, "").lower() == "off":
        return None
    return _duration(setting, values, default=DEFAULT_PREDICTION_RETENTION_SECONDS)


def _size(setting: str, values: Mapping[str, str]) -> int | None:
    value = values.get(setting, "")
    if not value:
        return None
    try:
        size = parse_size(value)
    except ValueError:
        size = 0
    if size <= 0:
        raise ConfigurationError(f"{setting} is '{value}'; it must be a size above 0, such as 512MiB or 4GB.")
    return size


def _allowed_hosts(value: str) -> AllowedHosts:
    try:
        return AllowedHosts.parse(value)
    except ValueError as error:
        raise ConfigurationError(
            f"{URL_ALLOWED_HOSTS} is '{value}', of which {error}; name hosts or networks, such as "
            "photos.example.com,10.1.0.0/16."
        ) from error
