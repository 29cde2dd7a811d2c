"""The files that training makes and prediction loads: zips with a manifest, equal content giving equal bytes."""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from customvision.vision.head import Head

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
FROZEN_OUTPUTS = "frozen_outputs"
# Zip's oldest date: a file's content alone decides its digest.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class ArtifactInvalid(Exception):
    """The file is not an artifact that this version can read; the message says why."""


@dataclass(frozen=True)
class Label:
    """One tag of a model, in the order of the head's outputs."""

    tag_id: str
    tag_name: str
    negative: bool = False


@dataclass(frozen=True)
class ModelArtifact:
    """A trained head with all that is needed to use it. ``metrics`` and ``versions`` are for people and export."""

    backbone_id: str
    backbone_sha256: str
    preprocessing: str
    labels: tuple[Label, ...]
    head: Head
    metrics: dict[str, float]
    versions: dict[str, str]

    def to_bytes(self) -> bytes:
        """Returns the artifact's file."""
        manifest = {
            "kind": "model",
            "backbone_id": self.backbone_id,
            "backbone_sha256": self.backbone_sha256,
            "preprocessing": self.preprocessing,
            "labels": [asdict(label) for label in self.labels],
            "multilabel": self.head.multilabel,
            "metrics": self.metrics,
            "versions": self.versions,
        }
        return pack(manifest, {"weights.npy": array_bytes(self.head.weights), "bias.npy": array_bytes(self.head.bias)})

    @classmethod
    def from_bytes(cls, data: bytes) -> "ModelArtifact":
        """Reads and checks an artifact's file. Raises ArtifactInvalid where anything does not fit."""
        manifest, files = unpack(data, kind="model")
        try:
            head = Head(array_of(files["weights.npy"]), array_of(files["bias.npy"]), bool(manifest["multilabel"]))
            artifact = cls(
                backbone_id=manifest["backbone_id"],
                backbone_sha256=manifest["backbone_sha256"],
                preprocessing=manifest["preprocessing"],
                labels=tuple(Label(**label) for label in manifest["labels"]),
                head=head,
                metrics=manifest["metrics"],
                versions=manifest["versions"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactInvalid(f"The model's manifest or weights are incomplete ({error}).") from error
        _check_head(artifact)
        return artifact


@dataclass(frozen=True)
class BackboneArtifact:
    """A backbone as OpenVINO reads it: ``xml`` and ``weights`` are the two files of its format.

    ``frozen_outputs`` of a fine-tuned one name where it ceases to be the network that it was tuned from, and are empty
    where the two have nothing in common. They are None for a backbone that was not fine-tuned.
    """

    backbone_id: str
    architecture: str
    input_size: int
    feature_count: int
    preprocessing: str
    xml: bytes
    weights: bytes
    frozen_outputs: tuple[str, ...] | None = None

    def to_bytes(self) -> bytes:
        """Returns the artifact's file."""
        manifest: dict[str, Any] = {
            "kind": "backbone",
            "backbone_id": self.backbone_id,
            "architecture": self.architecture,
            "input_size": self.input_size,
            "feature_count": self.feature_count,
            "preprocessing": self.preprocessing,
        }
        if self.frozen_outputs is not None:
            manifest[FROZEN_OUTPUTS] = list(self.frozen_outputs)
        return pack(manifest, {"trunk.xml": self.xml, "trunk.bin": self.weights})

    @classmethod
    def from_bytes(cls, data: bytes) -> "BackboneArtifact":
        """Reads an artifact's file. Raises ArtifactInvalid where anything is missing."""
        manifest, files = unpack(data, kind="backbone")
        try:
            return cls(
                backbone_id=manifest["backbone_id"],
                architecture=manifest["architecture"],
                input_size=int(manifest["input_size"]),
                feature_count=int(manifest["feature_count"]),
                preprocessing=manifest["preprocessing"],
                xml=files["trunk.xml"],
                weights=files["trunk.bin"],
                frozen_outputs=_frozen_outputs(manifest),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactInvalid(f"The backbone's manifest is incomplete ({error}).") from error

    def write_model(self, folder: Path) -> tuple[Path, Path]:
        """Writes the two OpenVINO files below ``folder`` and returns their paths, for Trunk.load."""
        xml, weights = folder / "trunk.xml", folder / "trunk.bin"
        xml.write_bytes(self.xml)
        weights.write_bytes(self.weights)
        return xml, weights


def is_fine_tuned(file: BinaryIO) -> bool:
    """Tells whether a backbone artifact is of a fine-tuned network, reading nothing else of it; nothing is verified.

    Raises ArtifactInvalid where it cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return _frozen_outputs(json.loads(archive.read(MANIFEST))) is not None
    # A damaged zip raises many kinds of error; all of them mean the same.
    except Exception as error:
        raise ArtifactInvalid(f"The file is not an artifact, or it is damaged ({error}).") from error


def digest_of(data: bytes) -> str:
    """Returns the SHA-256 that an artifact is known by, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def pack(manifest: dict[str, Any], files: dict[str, bytes]) -> bytes:
    """Returns a zip of ``files`` and a manifest that lists their digests; equal input gives equal bytes."""
    digests = {name: digest_of(content) for name, content in files.items()}
    full = {"format_version": FORMAT_VERSION, **manifest, "files": digests}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST, _EPOCH), json.dumps(full, indent=2, sort_keys=True))
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name])
    return buffer.getvalue()


def unpack(data: bytes, *, kind: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Returns manifest and files of an artifact of that ``kind``, digests checked. Raises ArtifactInvalid."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            files = {name: archive.read(name) for name in manifest["files"]}
    # A damaged zip raises many kinds of error; all of them mean the same.
    except Exception as error:
        raise ArtifactInvalid(f"The file is not an artifact, or it is damaged ({error}).") from error
    if manifest.get("format_version") != FORMAT_VERSION:
        found = manifest.get("format_version")
        raise ArtifactInvalid(f"The artifact has format {found}; this version reads {FORMAT_VERSION}.")
    if manifest.get("kind") != kind:
        raise ArtifactInvalid(f"The artifact is a {manifest.get('kind')}; a {kind} was expected.")
    damaged = [name for name, content in files.items() if digest_of(content) != manifest["files"][name]]
    if damaged:
        raise ArtifactInvalid(f"{', '.join(damaged)} in the artifact does not match its digest.")
    return manifest, files


def array_bytes(array: npt.NDArray[Any]) -> bytes:
    """Returns ``array`` in numpy's own file format."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def array_of(data: bytes) -> npt.NDArray[Any]:
    """Reads an array that array_bytes wrote; never unpickles. Raises ValueError where it is not one."""
    try:
        array: npt.NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    except EOFError as error:
        raise ValueError("the file of an array is empty") from error
    return array


def _frozen_outputs(manifest: dict[str, Any]) -> tuple[str, ...] | None:
    names = manifest.get(FROZEN_OUTPUTS)
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{FROZEN_OUTPUTS} is no list of names")
    return tuple(names)


def _check_head(artifact: ModelArtifact) -> None:
    head = artifact.head
    count = len(artifact.labels)
    if head.weights.dtype != np.float32 or head.bias.dtype != np.float32:
        raise ArtifactInvalid(f"The head holds {head.weights.dtype} and {head.bias.dtype}; it must hold float32.")
    if count == 0 or head.weights.ndim != 2 or head.weights.shape[1] != count or head.bias.shape != (count,):
        raise ArtifactInvalid(f"The head's shape {head.weights.shape} does not fit its {count} labels.")
    if not (np.isfinite(head.weights).all() and np.isfinite(head.bias).all()):
        raise ArtifactInvalid("The head holds numbers that are not finite.")
