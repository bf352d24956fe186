"""Who holds a lock, and how a person finds out."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import pytest

from vaultpy.lock_holder import held_too_long
from vaultpy.state import open_lock_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("platform", "finder"),
    [
        ("linux", "sudo fuser -v {path} names it"),
        ("darwin", "lsof {path} names it"),
        ("win32", "resmon finds it by the file's name"),
    ],
)
def test_a_holder_that_the_system_does_not_list_is_to_be_looked_for(
    tmp_path: Path, platform: str, finder: str
) -> None:
    path = str(tmp_path / "it's locked")
    descriptor = open_lock_file(path)
    error = held_too_long(path, descriptor, 20, platform)
    os.close(descriptor)
    assert error.message == f"cannot use {path}: another process has held its lock for 20 s"
    assert error.hint.endswith(f"({finder.format(path=shlex.quote(path))})")
