"""What one of several workers keeps where."""

from pathlib import Path

from customvision.prediction.worker import ALONE, Worker, remove_surplus_caches


def test_each_worker_has_a_cache_and_knows_the_others(tmp_path: Path) -> None:
    """No two workers keep artifacts in one folder, and the first one has that of a service that runs alone."""
    workers = [Worker(number, 3) for number in (1, 2, 3)]
    own = [worker.cache_folder(tmp_path) for worker in workers]
    assert len(set(own)) == 3
    assert own[0] == ALONE.cache_folder(tmp_path)
    for worker in workers:
        others = worker.other_cache_folders(tmp_path)
        assert {worker.cache_folder(tmp_path), *others} == set(own)
        assert len(others) == 2
    assert ALONE.other_cache_folders(tmp_path) == []


def test_one_worker_writes_the_list() -> None:
    """Of several exactly one remembers what is published."""
    assert [Worker(number, 3).remembers for number in (1, 2, 3)] == [True, False, False]
    assert ALONE.remembers
    assert ALONE.alone
    assert not Worker(1, 2).alone


def test_caches_of_workers_that_were_are_removed(tmp_path: Path) -> None:
    """With fewer workers than before the folders of the rest go, and nothing else."""
    folders = [Worker(number, 4).cache_folder(tmp_path) for number in (1, 2, 3, 4)]
    for folder in folders:
        folder.mkdir()
        (folder / "artifact").touch()
    (tmp_path / "published.json").touch()
    remove_surplus_caches(tmp_path, 2)
    assert sorted(tmp_path.iterdir()) == sorted([*folders[:2], tmp_path / "published.json"])
    assert all((folder / "artifact").exists() for folder in folders[:2])
    remove_surplus_caches(tmp_path, 1)
    assert not folders[1].exists()
    assert folders[0].exists()
