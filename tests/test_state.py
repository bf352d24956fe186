"""Where the state lives and how its files are written."""

from __future__ import annotations

import os
import signal
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.remembering import run, start
from vaultpy.errors import StateUnusable
from vaultpy.state import (
    locked,
    make_private_directory,
    open_lock_file,
    replace_file,
    state_directory,
    try_lock,
)

if TYPE_CHECKING:
    from types import FrameType

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_state_lives_where_xdg_says() -> None:
    assert state_directory({"XDG_STATE_HOME": "/states", "HOME": "/home/alice"}) == "/states/vaultpy"


def test_a_relative_xdg_directory_is_ignored() -> None:
    environ = {"XDG_STATE_HOME": "states", "HOME": "/home/alice"}
    assert state_directory(environ) == "/home/alice/.local/state/vaultpy"


def test_without_home_the_user_database_is_asked() -> None:
    import pwd

    home = pwd.getpwuid(os.getuid()).pw_dir
    assert state_directory({}) == f"{home}/.local/state/vaultpy"


def test_a_private_directory_is_made_with_its_parents(tmp_path: Path) -> None:
    make_private_directory(str(tmp_path / "a" / "b"))
    assert mode(tmp_path / "a") == 0o700
    assert mode(tmp_path / "a" / "b") == 0o700


def test_a_directory_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    wide.mkdir()
    wide.chmod(0o777)
    make_private_directory(str(wide))
    assert mode(wide) == 0o700


def test_a_file_in_the_directorys_place_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateUnusable) as caught:
        make_private_directory(str(tmp_path / "state" / "vaultpy"))
    assert caught.value.message == f"cannot use {tmp_path}/state/vaultpy: Not a directory"
    assert caught.value.hint.endswith("export XDG_STATE_HOME=DIRECTORY")


@needs_root
def test_somebody_elses_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 12345, 12345)
    with pytest.raises(StateUnusable, match="it belongs to user id 12345"):
        make_private_directory(str(tmp_path / "theirs"))


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    replace_file(str(tmp_path / "new"), b"text")
    assert (tmp_path / "new").read_bytes() == b"text"
    assert mode(tmp_path / "new") == 0o600


def test_a_new_file_gets_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    replace_file(str(tmp_path / "new"), b"", 0o644)
    assert mode(tmp_path / "new") == 0o644


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("old")
    config.chmod(0o640)
    replace_file(str(config), b"new", 0o600)
    assert config.read_bytes() == b"new"
    assert mode(config) == 0o640


@needs_root
def test_an_existing_file_keeps_its_owner(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("old")
    os.chown(config, 12345, 23456)
    replace_file(str(config), b"new")
    assert (config.stat().st_uid, config.stat().st_gid) == (12345, 23456)


@needs_root
def test_a_file_whose_group_cannot_be_kept_is_not_opened_to_another_group() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        config = Path(directory, "config")
        config.write_text("old")
        config.chmod(0o660)
        assert run("replace", config, plain_user=True) == ["600 True"]


def test_a_symlink_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target, link = tmp_path / "dotfiles" / "config", tmp_path / "config"
    target.write_text("old")
    link.symlink_to(target)
    replace_file(str(link), b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        replace_file(str(pipe), b"new")
    assert list(tmp_path.iterdir()) == [pipe]


def test_what_a_killed_writer_left_is_removed_but_not_what_a_living_one_writes(tmp_path: Path) -> None:
    left, being_written = tmp_path / ".file.aaaa.vaultpy-new", tmp_path / ".file.bbbb.vaultpy-new"
    left.write_text("")
    being_written.write_text("")
    os.utime(left, (0, time.time() - 3600))
    replace_file(str(tmp_path / "file"), b"new")
    assert sorted(tmp_path.iterdir()) == [being_written, tmp_path / "file"]


def test_eight_processes_that_add_under_a_lock_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    processes = [start("increment", tmp_path, 50) for _ in range(8)]
    for process in processes:
        with process:
            process.communicate()
    assert (tmp_path / "number").read_text() == "400"


def test_a_lock_is_free_as_soon_as_its_holder_is_killed(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with start("hold_file", path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        descriptor = open_lock_file(path)
        assert not try_lock(descriptor)
        holder.kill()
        holder.wait()
        assert try_lock(descriptor)
        os.close(descriptor)


def test_a_symlink_is_no_lock_file(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), locked(str(tmp_path / "lock")):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_holder_that_was_stopped_is_named_instead_of_waited_for_without_end(tmp_path: Path) -> None:
    path = str(tmp_path / "it's locked")
    with start("hold_file", path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGSTOP)
        with pytest.raises(StateUnusable) as caught, locked(path, patience=0.1):
            pass
        holder.kill()
    assert caught.value.message == f"cannot use {path}: process {holder.pid} has held its lock for 0.1 s"
    assert caught.value.hint.endswith(f": kill -CONT {holder.pid}")


def test_an_interruption_right_after_the_new_name_is_an_interruption(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def interrupt(_frame: FrameType, event: str, function: object) -> None:
        if event == "c_return" and function is os.replace:
            raise KeyboardInterrupt

    sys.setprofile(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            replace_file(str(path), b"new")
    finally:
        sys.setprofile(None)
    assert [found.read_bytes() for found in tmp_path.iterdir()] == [b"new"]
