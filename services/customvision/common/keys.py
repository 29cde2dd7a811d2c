"""The two keys of a suite: made on first start and kept in keys.json with mode 0600, or given in another file."""

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from customvision.common.durable_files import fsync_folder, write_temporary
from customvision.common.errors import ConfigurationError

FILE_NAME = "keys.json"


@dataclass(frozen=True)
class Keys:
    """The secrets that open the suite: ``training_key`` opens everything, ``prediction_key`` predictions only."""

    training_key: str = field(repr=False)
    prediction_key: str = field(repr=False)


def load_or_create_keys(home: Path, given: Path | None = None) -> tuple[Keys, bool]:
    """Returns the keys of ``home`` and whether they were made just now. Several processes may call it at once.

    Those of the file ``given``, where there is one, take their place; that file is never made. Raises
    ConfigurationError where the file is unreadable or damaged.
    """
    if given is not None:
        return _read(given, "Restore it."), False
    path = home / FILE_NAME
    created = not path.exists() and _create(path)
    return _read(path, "Restore it, or delete it and new keys are made at the next start."), created


def _create(path: Path) -> bool:
    keys = {"training_key": secrets.token_hex(32), "prediction_key": secrets.token_hex(32)}
    temporary = write_temporary(path.parent, (json.dumps(keys, indent=2) + "\n").encode())
    try:
        # link, unlike rename, never replaces keys that another process made first.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    fsync_folder(path.parent)
    return True


def _read(path: Path, remedy: str) -> Keys:
    try:
        content = json.loads(path.read_text())
        return Keys(training_key=_key(content["training_key"]), prediction_key=_key(content["prediction_key"]))
    except OSError as error:
        raise ConfigurationError(f"The keys in {path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path} is damaged: it must be JSON with training_key and prediction_key. {remedy}"
        ) from error


def _key(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a key")
    return value
