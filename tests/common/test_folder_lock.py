"""One process for one data folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from customvision.common.errors import ConfigurationError
from customvision.common.folder_lock import FolderLock


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    """The folder has one user at a time; the sentence names the folder."""
    first = FolderLock(tmp_path, user="serve project")
    with pytest.raises(ConfigurationError, match=str(tmp_path)):
        FolderLock(tmp_path, user="serve project")
    FolderLock(tmp_path, user="up").release()
    first.release()
    FolderLock(tmp_path, user="serve project").release()


def test_a_killed_holder_holds_no_longer(tmp_path: Path) -> None:
    """However a process ends, its folder is free."""
    program = (
        "import sys, pathlib, time\n"
        "from customvision.common.folder_lock import FolderLock\n"
        "lock = FolderLock(pathlib.Path(sys.argv[1]), user='up')\n"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigurationError):
            FolderLock(tmp_path, user="up")
        holder.kill()
    FolderLock(tmp_path, user="up").release()


def test_a_process_that_inherits_the_lock_holds_on(tmp_path: Path) -> None:
    """A child that was given the descriptor keeps the folder after the first holder let go, until it ends."""
    lock = FolderLock(tmp_path, user="serve prediction")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock.descriptor])
    lock.release()
    with pytest.raises(ConfigurationError):
        FolderLock(tmp_path, user="serve prediction")
    child.communicate(b"\n")
    FolderLock(tmp_path, user="serve prediction").release()
