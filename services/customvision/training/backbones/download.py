"""Keras' own ImageNet weights: downloaded once, and verified ever after against what came first."""

import hashlib
import os
import socket
from pathlib import Path

from customvision.common.durable_files import write_durably

HOST = "storage.googleapis.com"
FILE_NAME = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
URL = f"https://{HOST}/tensorflow/keras-applications/mobilenet_v2/{FILE_NAME}"
PROBE_SECONDS = 3.0
STALL_SECONDS = 20.0


class DownloadUnavailable(Exception):
    """The weights cannot be downloaded; the message says why, as part of a sentence."""


def downloaded_weights(folder: Path) -> Path:
    """Returns the weights file below ``folder``, fetched from Keras' server on first use. Raises DownloadUnavailable.

    Keras publishes no checksum for this file. It comes over https, and its digest is recorded beside it. A file that
    no longer has that digest is fetched again and must then have it; a file that is no MobileNetV2 fails when loaded.
    """
    file, record = folder / FILE_NAME, folder / f"{FILE_NAME}.sha256"
    recorded = record.read_text().strip() if record.exists() else ""
    if recorded and file.exists() and _digest(file) == recorded:
        return file
    _probe()
    file.unlink(missing_ok=True)
    _fetch(folder)
    if not recorded:
        write_durably(record, f"{_digest(file)}\n".encode())
    elif _digest(file) != recorded:
        file.unlink()
        raise DownloadUnavailable(f"Keras' download differs from the first one, whose digest {record.name} keeps")
    return file


def _probe() -> None:
    try:
        socket.create_connection((HOST, 443), timeout=PROBE_SECONDS).close()
    except OSError as error:
        raise DownloadUnavailable(f"{HOST} cannot be reached for Keras' download") from error


def _fetch(folder: Path) -> None:
    os.environ.setdefault("KERAS_HOME", str(folder))
    import keras

    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        keras.utils.get_file(FILE_NAME, URL, cache_dir=str(folder), cache_subdir="")
    # urllib and Keras raise many kinds of error on a bad connection; all of them mean the same here.
    except Exception as error:
        (folder / FILE_NAME).unlink(missing_ok=True)
        raise DownloadUnavailable("Keras' download failed") from error
    finally:
        socket.setdefaulttimeout(None)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
