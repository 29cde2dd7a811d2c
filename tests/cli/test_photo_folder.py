"""Folders of photos, and mistakes in them."""

from pathlib import Path

import pytest

from customvision.cli.failures import Failure
from customvision.cli.photo_folder import read_photo_folder


def make(folder: Path, *files: str) -> Path:
    """Makes files, with the folders that they are in."""
    folder.mkdir(exist_ok=True)
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"x")
    return folder


def test_sub_folders_are_classes(tmp_path: Path) -> None:
    """Each sub-folder is a class, its files are in order, and hidden ones are passed over in silence."""
    photos = read_photo_folder(make(tmp_path / "f", "b/2.jpg", "b/1.txt", "a/x", "a/.hidden", ".git/config"))
    assert {name: [file.name for file in files] for name, files in photos.classes.items()} == {
        "a": ["x"],
        "b": ["1.txt", "2.jpg"],
    }
    assert photos.file_count == 3
    assert photos.remarks == []


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    """Files beside the classes, folders inside them and empty classes are named."""
    folder = make(tmp_path / "f", "a/1.jpg", "a/deeper/2.jpg", "b/1.jpg", "loose.jpg")
    (folder / "empty").mkdir()
    remarks = " ".join(read_photo_folder(folder).remarks)
    assert "1 folder inside a" in remarks
    assert "empty left out: it holds no files" in remarks
    assert "1 file beside" in remarks


def test_dot_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that the shell is in has its own name, not a dot."""
    monkeypatch.chdir(make(tmp_path / "flowers", "a/1.jpg"))
    assert read_photo_folder(Path()).name == "flowers"


@pytest.mark.parametrize(
    ("files", "path", "sentence"),
    [
        ((), "missing", "There is no folder"),
        (("file",), "file", "is a file"),
        ((), ".", "no sub-folder with photos"),
        (("1.jpg", "2.jpg"), ".", "no sub-folder with photos"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path: Path, files: tuple[str, ...], path: str, sentence: str) -> None:
    """A missing folder, a file, an empty folder and one without classes are told apart."""
    folder = make(tmp_path / "f", *files)
    with pytest.raises(Failure, match=sentence):
        read_photo_folder(folder / path)


def test_a_name_that_no_tag_may_have_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    """A class folder whose name is too long for a tag is refused while reading, by its name."""
    with pytest.raises(Failure, match=r"The folder xxx.* has a name of 129 characters"):
        read_photo_folder(make(tmp_path / "f", "a/1.jpg", f"{'x' * 129}/1.jpg"))


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    """What is neither file nor folder is left out by name, not in silence."""
    folder = make(tmp_path / "f", "a/1.jpg")
    (folder / "a" / "gone.jpg").symlink_to("nowhere.jpg")
    photos = read_photo_folder(folder)
    assert photos.file_count == 1
    assert "gone.jpg left out" in " ".join(photos.remarks)
