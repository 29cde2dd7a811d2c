"""An export is held against the service before anyone gets it; a small backbone needs no Keras for that."""

import json
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from customvision.training.export.export_format import ExportFormat
from customvision.training.export.fetching import evenly_spread
from customvision.training.export.formats import format_of
from customvision.training.export.makings import Makings
from customvision.training.export.package import write_package
from customvision.training.export.parity import AnswersDiffer, compare, pictures_of, served_answers
from customvision.vision.artifacts import Label
from models import backbone, model
from pictures import photo

OPENVINO = ExportFormat.OPENVINO


def makings(folder: Path, files: list[bytes], *, multilabel: bool = False) -> Makings:
    """Returns a small model with files of held-out images."""
    paths = {}
    for number, data in enumerate(files):
        paths[f"image {number}"] = folder / str(number)
        paths[f"image {number}"].write_bytes(data)
    return Makings(model(multilabel=multilabel), backbone(), folder / "unused.weights.h5", paths)


@pytest.mark.parametrize("multilabel", [False, True])
def test_openvino_export_answers_like_the_service(tmp_path: Path, multilabel: bool) -> None:
    """The OpenVINO files hold backbone and head together, for one tag as for several."""
    source = makings(tmp_path, [photo(seed, color=(40 * seed, 90, 90)) for seed in range(5)], multilabel=multilabel)
    entry = format_of(OPENVINO).build(source, tmp_path)
    pictures = pictures_of(source)
    parity = compare(OPENVINO, format_of(OPENVINO).answers(entry, pictures.pixels), source, pictures)
    assert parity.image_ids == tuple(source.image_files)
    assert parity.same_likeliest_tag_count == parity.compared_count == 5
    assert parity.maximum_difference < 1e-5


@pytest.mark.parametrize("wrong", [0.002, float("nan")])
def test_a_difference_beyond_the_tolerance_is_an_error(tmp_path: Path, wrong: float) -> None:
    """One probability of one picture that is off, or no number, is enough; below the tolerance it is reported."""
    source = makings(tmp_path, [photo(seed) for seed in range(3)])
    pictures = pictures_of(source)
    answers = served_answers(source, pictures.pixels)
    answers[1, 2] += 0.0005
    assert compare(OPENVINO, answers, source, pictures).maximum_difference == pytest.approx(0.0005)
    answers[1, 2] += wrong
    with pytest.raises(AnswersDiffer, match=r"3 held-out images.*0.001 is allowed"):
        compare(OPENVINO, answers, source, pictures)


def test_float16_is_allowed_more(tmp_path: Path) -> None:
    """What float16 weights may differ by, float32 weights may not."""
    source = makings(tmp_path, [photo(1)])
    pictures = pictures_of(source)
    answers = served_answers(source, pictures.pixels) + 0.01
    assert compare(ExportFormat.LITERT_FLOAT16, answers, source, pictures).tolerance == 0.02
    with pytest.raises(AnswersDiffer):
        compare(ExportFormat.LITERT, answers, source, pictures)


def test_unreadable_images_are_left_out(tmp_path: Path) -> None:
    """An image file that is damaged is not compared; where none is readable, drawn pictures are, and that is said."""
    half = makings(tmp_path, [b"no image", photo(1)])
    assert pictures_of(half).image_ids == ("image 1",)
    none = makings(tmp_path, [b"no image"])
    pictures = pictures_of(none)
    assert pictures.image_ids == ()
    assert len(np.unique(pictures.pixels)) > 100
    parity = compare(OPENVINO, served_answers(none, pictures.pixels), none, pictures)
    assert "drawn pictures (no held-out image is left)" in parity.sentence()


def test_package_names_the_negative_tag(tmp_path: Path) -> None:
    """Manifest and README say which tag stands for none of the others; names with line breaks stay on one line."""
    plain = makings(tmp_path, [photo(1)])
    labels = (Label("1", "red\ncar"), Label("2", "Negative", negative=True), Label("3", "blue"))
    source = replace(plain, model=replace(plain.model, labels=labels))
    entry = format_of(OPENVINO).build(source, tmp_path)
    pictures = pictures_of(source)
    parity = compare(OPENVINO, served_answers(source, pictures.pixels), source, pictures)
    write_package(tmp_path / "export.zip", entry, source, OPENVINO, parity)
    with ZipFile(tmp_path / "export.zip") as archive:
        assert archive.read("labels.txt").decode() == "red car\nNegative\nblue\n"
        assert "The tag `Negative` stands for" in archive.read("README.md").decode()
        manifest = json.loads(archive.read("manifest.json"))
        assert [label["negative"] for label in manifest["labels"]] == [False, True, False]
        assert manifest["input"] == {"name": "pixels", "dtype": "uint8", "shape": ["1", 32, 32, 3]}
        assert json.loads(archive.read("parity.json"))["format"] == "openvino"


def test_images_are_spread_evenly() -> None:
    """Of many held-out images some of each part are taken, never one twice; of few, all."""
    many = [str(number) for number in range(1000)]
    assert evenly_spread(many, 4) == ["0", "250", "500", "750"]
    assert len(set(evenly_spread(many, 64))) == 64
    assert evenly_spread(many[:3], 64) == ["0", "1", "2"]
    assert evenly_spread([], 64) == []
