"""Programs that use smart cards are found in /proc."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from vaultpy.card_users import card_users

if TYPE_CHECKING:
    from pathlib import Path


def start(proc: Path, pid: int, name: str, maps: str = "7f /usr/lib/libc.so.6\n") -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "comm").write_text(name + "\n")
    (proc / str(pid) / "maps").write_text(maps)


def test_gnupgs_daemon_and_whoever_loaded_the_library_are_named_in_order(tmp_path: Path) -> None:
    start(tmp_path, 200, "python3", "7f /usr/lib/libpcsclite.so.1.0.0\n")
    start(tmp_path, 30, "scdaemon")
    start(tmp_path, 4, "bash")
    assert card_users(tmp_path) == ["scdaemon (30)", "python3 (200)"]


def test_this_process_is_not_among_them(tmp_path: Path) -> None:
    start(tmp_path, os.getpid(), "vaultpy", "7f /usr/lib/libpcsclite.so.1.0.0\n")
    assert card_users(tmp_path) == []


@pytest.mark.parametrize("missing", ["comm", "maps"])
def test_a_process_that_ends_meanwhile_is_passed_over(tmp_path: Path, missing: str) -> None:
    start(tmp_path, 30, "scdaemon-not", "libpcsclite")
    (tmp_path / "30" / missing).unlink()
    assert card_users(tmp_path) == []


def test_where_there_is_no_proc_nobody_is_named(tmp_path: Path) -> None:
    assert card_users(tmp_path / "none") == []
