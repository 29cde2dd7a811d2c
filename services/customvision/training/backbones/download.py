"""Keras' own ImageNet weights: downloaded once, and verified ever after against what came first."""

import hashlib
import os
import socket
from pathlib import Path

from customvision.common.durable_files import write_durably
from customvision.training.backbones.architectures import KERAS_SERVER, Architecture

PROBE_SECONDS = 3.0
STALL_SECONDS = 20.0


class DownloadUnavailable(Exception):
    """The weights cannot be downloaded; the message says why, as part of a sentence."""


def downloaded_weights(architecture: Architecture, folder: Path) -> Path:
    """Returns the weights file below ``folder``, fetched from Keras' server on first use. Raises DownloadUnavailable.

    Keras publishes no checksum for most of these files. They come over https, and their digests are recorded beside
    them. A file that no longer has its digest is fetched again and must then have it; one of another network fails
    when it is loaded.
    """
    name = architecture.keras_file
    if not name:
        raise DownloadUnavailable(f"Keras publishes no weights of {architecture.name}")
    file, record = folder / name, folder / f"{name}.sha256"
    recorded = record.read_text().strip() if record.exists() else ""
    if recorded and file.exists() and _digest(file) == recorded:
        return file
    _probe()
    file.unlink(missing_ok=True)
    _fetch(architecture, folder)
    if not recorded:
        write_durably(record, f"{_digest(file)}\n".encode())
    elif _digest(file) != recorded:
        file.unlink()
        raise DownloadUnavailable(f"Keras' download differs from the first one, whose digest {record.name} keeps")
    return file


def _probe() -> None:
    try:
        socket.create_connection((KERAS_SERVER, 443), timeout=PROBE_SECONDS).close()
    except OSError as error:
        raise DownloadUnavailable(f"{KERAS_SERVER} cannot be reached for Keras' download") from error


def _fetch(architecture: Architecture, folder: Path) -> None:
    os.environ.setdefault("KERAS_HOME", str(folder))
    import keras

    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        keras.utils.get_file(
            architecture.keras_file,
            architecture.keras_url,
            cache_dir=str(folder),
            cache_subdir="",
            file_hash=architecture.family.md5.get(architecture.width),
        )
    # urllib and Keras raise many kinds of error on a bad connection; all of them mean the same here.
    except Exception as error:
        (folder / architecture.keras_file).unlink(missing_ok=True)
        raise DownloadUnavailable("Keras' download failed") from error
    finally:
        socket.setdefaulttimeout(None)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
