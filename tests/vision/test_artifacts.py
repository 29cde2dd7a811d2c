"""The files that training makes and prediction loads."""

import dataclasses
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customvision.vision.artifacts import (
    MANIFEST,
    ArtifactInvalid,
    BackboneArtifact,
    Label,
    ModelArtifact,
    array_bytes,
    array_of,
    digest_of,
    pack,
    unpack,
)
from customvision.vision.head import Head
from models import backbone, model


def rewritten(data: bytes, **changes: bytes | None) -> bytes:
    """Returns the artifact with members replaced, or removed where None; the names' dots are written as __."""
    replaced = {name.replace("__", "."): content for name, content in changes.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = replaced.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return buffer.getvalue()


def with_manifest(data: bytes, **changes: object) -> bytes:
    """Returns the artifact with entries of its manifest changed, or removed where None."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        manifest = json.loads(archive.read(MANIFEST))
    manifest = {key: value for key, value in (manifest | changes).items() if value is not None}
    return rewritten(data, manifest__json=json.dumps(manifest).encode())


@pytest.mark.parametrize("multilabel", [False, True])
def test_a_model_comes_back_as_it_was(multilabel: bool) -> None:
    """Labels of any script, weights, metrics and versions survive, byte for byte."""
    labels = (Label("1", '\U0001f33c "quoted" /slash\\'), Label("2", "Negative", negative=True))
    weights = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    head = Head(weights, np.array([1, -1], np.float32), multilabel)
    original = dataclasses.replace(model(), labels=labels, head=head, metrics={"accuracy": 0.875})
    read = ModelArtifact.from_bytes(original.to_bytes())
    assert (read.labels, read.metrics, read.versions) == (labels, {"accuracy": 0.875}, original.versions)
    assert read.head.multilabel is multilabel
    assert np.array_equal(read.head.weights, weights)
    assert read.head.weights.dtype == np.float32
    assert read.to_bytes() == original.to_bytes()


def test_a_backbone_comes_back_as_it_was(tmp_path: Path) -> None:
    """The two files of a backbone are written out as they went in."""
    read = BackboneArtifact.from_bytes(backbone().to_bytes())
    xml, weights = read.write_model(tmp_path)
    assert read == backbone()
    assert (xml.read_bytes(), weights.read_bytes()) == (backbone().xml, backbone().weights)


def test_equal_content_gives_equal_bytes() -> None:
    """The digest depends on the content alone, not on the order it was given in."""
    one = pack({"kind": "x", "a": 1, "b": 2}, {"f": b"1", "g": b"2"})
    other = pack({"b": 2, "a": 1, "kind": "x"}, {"g": b"2", "f": b"1"})
    assert digest_of(one) == digest_of(other)
    assert digest_of(model().to_bytes()) == digest_of(model().to_bytes())
    assert digest_of(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


MODEL = model().to_bytes()
NPY = array_bytes(np.zeros((4, 3), np.float32))


def _array(values: np.ndarray) -> bytes:
    return array_bytes(values)


def repacked(**files: bytes) -> bytes:
    """Returns the model with other files, digests right."""
    manifest, old = unpack(MODEL, kind="model")
    manifest = {key: value for key, value in manifest.items() if key not in ("files", "format_version")}
    return pack(manifest, old | {name.replace("__", "."): content for name, content in files.items()})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        MODEL[:-1],
        MODEL[: len(MODEL) // 2],
        rewritten(MODEL, manifest__json=None),
        rewritten(MODEL, manifest__json=b"{"),
        rewritten(MODEL, manifest__json=b"[]"),
        rewritten(MODEL, manifest__json=b"\xff"),
        rewritten(MODEL, weights__npy=None),
        rewritten(MODEL, weights__npy=NPY),
        with_manifest(MODEL, files=None),
        with_manifest(MODEL, files=[]),
        with_manifest(MODEL, files={"../../etc/passwd": "0"}),
        with_manifest(MODEL, format_version=2),
        with_manifest(MODEL, kind="backbone"),
        with_manifest(MODEL, labels=None),
        with_manifest(MODEL, labels=[{"tag_id": "1"}]),
        with_manifest(MODEL, labels=[{"tag_id": "1", "tag_name": "a", "unknown": 1}]),
        with_manifest(MODEL, labels=[]),
        with_manifest(MODEL, labels="abc"),
        with_manifest(MODEL, backbone_sha256=None),
        with_manifest(MODEL, preprocessing=None),
        with_manifest(MODEL, metrics=None),
        repacked(weights__npy=_array(np.full((4, 3), np.nan, np.float32))),
        repacked(weights__npy=_array(np.full((4, 3), np.inf, np.float32))),
        repacked(bias__npy=_array(np.full(3, np.nan, np.float32))),
        repacked(bias__npy=_array(np.zeros(2, np.float32))),
        repacked(bias__npy=_array(np.zeros((3, 1), np.float32))),
        repacked(weights__npy=_array(np.zeros((4, 2), np.float32))),
        repacked(weights__npy=_array(np.zeros(3, np.float32))),
        repacked(weights__npy=_array(np.zeros((4, 3), np.complex64))),
        repacked(weights__npy=_array(np.array([["a"] * 3] * 4))),
        repacked(weights__npy=_array(np.zeros((4, 3), np.float64))),
        repacked(bias__npy=_array(np.zeros(3, np.int64))),
        repacked(weights__npy=b""),
        repacked(weights__npy=b"no array"),
        repacked(weights__npy=NPY[:-1]),
    ],
)
def test_every_damage_is_found(data: bytes) -> None:
    """Whatever is wrong with a model's file, the one error says so."""
    with pytest.raises(ArtifactInvalid):
        ModelArtifact.from_bytes(data)


def test_an_array_is_never_unpickled() -> None:
    """A file that would run code when unpickled is refused before it can."""

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, ("raise SystemExit('unpickled')",))

    buffer = io.BytesIO()
    np.save(buffer, np.array([Evil()], dtype=object), allow_pickle=True)
    for evil in (buffer.getvalue(), pickle.dumps(Evil())):
        with pytest.raises(ValueError, match=r"pickle|allow_pickle"):
            array_of(evil)
        with pytest.raises(ArtifactInvalid):
            ModelArtifact.from_bytes(repacked(weights__npy=evil))


@pytest.mark.parametrize(
    "changes",
    [{"input_size": None}, {"input_size": "wide"}, {"feature_count": None}, {"files": {}}, {"kind": "model"}],
)
def test_a_damaged_backbone_is_found(changes: dict[str, object]) -> None:
    """A backbone's manifest must be whole."""
    with pytest.raises(ArtifactInvalid):
        BackboneArtifact.from_bytes(with_manifest(backbone().to_bytes(), **changes))


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(MODEL) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_flipped_bytes_give_the_same_model_or_our_error(changes: list[tuple[int, int]]) -> None:
    """No damage gives another model's answers, and none raises anything else."""
    damaged = bytearray(MODEL)
    for position, value in changes:
        damaged[position] = value
    try:
        read = ModelArtifact.from_bytes(bytes(damaged))
    except ArtifactInvalid:
        return
    assert np.array_equal(read.head.weights, model().head.weights)
    assert np.array_equal(read.head.bias, model().head.bias)
