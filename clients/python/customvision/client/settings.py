"""Where the services are and which keys open them."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from customvision.client.errors import CustomVisionError

TRAINING_KEY_HEADER = "training-key"
PREDICTION_KEY_HEADER = "prediction-key"
KEYS_FILE = "keys.json"
DEFAULT_ADDRESSES = {"project": "127.0.0.1:50051", "training": "127.0.0.1:50052", "prediction": "127.0.0.1:50053"}


def home() -> Path:
    """Returns the data folder of this machine's suite."""
    return Path(os.environ.get("CUSTOMVISION_HOME", "") or "~/.customvision").expanduser().absolute()


def keys_file() -> Path:
    """Returns the file that holds the keys of this machine's suite."""
    given = os.environ.get("CUSTOMVISION_KEYS_FILE", "")
    return Path(given).expanduser().absolute() if given else home() / KEYS_FILE


def read_keys(folder: Path) -> dict[str, str]:
    """Returns ``training_key`` and ``prediction_key`` of the suite in ``folder``; empty where it was never started.

    Raises CustomVisionError where the file is damaged or may not be read.
    """
    return read_keys_file(folder / KEYS_FILE)


def read_keys_file(path: Path) -> dict[str, str]:
    """Returns ``training_key`` and ``prediction_key``; empty where there is no such file.

    Raises CustomVisionError where the file is damaged or may not be read.
    """
    try:
        content = json.loads(path.read_text())
        return {name: _checked(content[name]) for name in ("training_key", "prediction_key")}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unusable("KEYS_UNREADABLE", f"The keys in {path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is damaged: it must be JSON with training_key and prediction_key."
        raise _unusable("KEYS_UNREADABLE", message) from error


def _checked(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise ValueError("not a key")
    return key


def _address(service: str) -> str:
    return os.environ.get(f"CUSTOMVISION_{service.upper()}_ADDRESS", "") or DEFAULT_ADDRESSES[service]


def _key(kind: str) -> str:
    return os.environ.get(f"CUSTOMVISION_{kind.upper()}_KEY", "") or read_keys_file(keys_file()).get(f"{kind}_key", "")


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """Addresses (``host:port``) and keys; what is not given comes from the environment, then from ``keys.json``.

    Raises CustomVisionError where an address or a key cannot be one.
    """

    project_address: str = field(default_factory=lambda: _address("project"))
    training_address: str = field(default_factory=lambda: _address("training"))
    prediction_address: str = field(default_factory=lambda: _address("prediction"))
    training_key: str = field(default_factory=lambda: _key("training"), repr=False)
    prediction_key: str = field(default_factory=lambda: _key("prediction"), repr=False)

    def __post_init__(self) -> None:
        for service, address in self.addresses().items():
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal():
                message = f"The address of the {service} service is '{address}'; it must be HOST:PORT."
                raise _unusable("ADDRESS_INVALID", message)
        for kind, key in (("training", self.training_key), ("prediction", self.prediction_key)):
            if not key.isascii() or (key and not key.isprintable()):
                raise _unusable("KEY_INVALID", f"The {kind} key holds characters that no key has; copy it again.")

    def addresses(self) -> dict[str, str]:
        """Returns the address of each service by its short name."""
        return {
            "project": self.project_address,
            "training": self.training_address,
            "prediction": self.prediction_address,
        }

    def credentials(self) -> tuple[str, str]:
        """Returns the metadata entry to send with every call: the training key, else the prediction key.

        Raises CustomVisionError where there is neither.
        """
        if self.training_key:
            return TRAINING_KEY_HEADER, self.training_key
        if self.prediction_key:
            return PREDICTION_KEY_HEADER, self.prediction_key
        raise CustomVisionError(
            "KEY_MISSING",
            f"There are no keys in {keys_file().parent}. Start the suite with `make run` or `customvision up`, "
            "or set CUSTOMVISION_HOME or CUSTOMVISION_TRAINING_KEY to those of the suite to use.",
            grpc.StatusCode.UNAUTHENTICATED,
        )


def _unusable(reason: str, message: str) -> CustomVisionError:
    return CustomVisionError(reason, message, grpc.StatusCode.INVALID_ARGUMENT)
