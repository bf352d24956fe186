"""The token's file: new and private, gone at the end, and never anybody else's."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vaultpy import errors
from vaultpy.token_file import token_file
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = Secret("new-token_" + "A" * 33)
LEFT = "-_" + "z" * 41

FULL_DISK = """
import resource, sys
from pathlib import Path
from vaultpy.errors import TokenFileUnusable
from vaultpy.token_file import token_file
from vaultpy.values import Secret
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    with token_file(Path(sys.argv[1]), Secret("t" * 43)):
        print("written")
except TokenFileUnusable as error:
    print(error.message)
"""


def refusal(path: Path) -> str:
    with pytest.raises(errors.TokenFileUnusable) as caught, token_file(path, TOKEN):
        pass
    return caught.value.message


@pytest.mark.parametrize("left", [None, LEFT])
def test_it_is_private_while_it_is_there_and_takes_the_place_of_what_a_killed_server_left(
    tmp_path: Path, left: str | None
) -> None:
    path = tmp_path / "token"
    if left:
        path.write_text(left)
        path.chmod(0o644)
    with token_file(path, TOKEN):
        assert path.read_text() == TOKEN.reveal()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "a note", "x" * 42, "x" * 44, "x" * 42 + "\n"])
def test_what_is_no_token_stays(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes"
    path.write_text(content)
    assert refusal(path) == f"cannot put the token into {path}: file exists"
    assert path.read_text() == content


def link(path: Path) -> None:
    (path.parent / "target").write_text(LEFT)
    path.symlink_to("target")


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, link], ids=["fifo", "directory", "link"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "special"
    make(path)
    kind = path.lstat().st_mode
    assert refusal(path).endswith(": file exists")
    assert path.lstat().st_mode == kind


def test_that_of_a_server_that_runs_is_not_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with token_file(path, Secret(LEFT)):
        assert refusal(path) == f"cannot put the token into {path}: another serve uses it"
        assert path.read_text() == LEFT
    with token_file(path, TOKEN):
        assert path.read_text() == TOKEN.reveal()


def test_at_the_end_only_its_own_file_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with token_file(path, TOKEN):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"
    with token_file(tmp_path / "gone", TOKEN):
        (tmp_path / "gone").unlink()


def test_a_disk_without_room_is_told_and_leaves_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "token"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"cannot put the token into {path}: file too large\n"
    assert not path.exists()
