"""A `credential_process` of somebody else's ends with the run that waits for it, and that wait is said."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from support.world import BIN
from vaultpy.errors import SourceFailed
from vaultpy.source_process import SourceProcesses
from vaultpy.sources import PLAIN_KEYS, PROCESS, ForeignSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vaultpy.source_process import SourceProcess

PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def processes(note: Callable[[str], None] = lambda _: None, *, apart: bool = True) -> SourceProcesses:
    """Return those of a run that says at once what it waits for."""
    return SourceProcesses(dict(os.environ), note, apart=apart, note_after=0.05)


def holding(made: SourceProcesses, path: Path) -> SourceProcess:
    """Start a process that waits, with another beneath it; both hold the pipe at `path` open."""
    os.mkfifo(path)
    script = f"trap '' TERM; sleep 300 > {path} & exec sleep 300 > {path}"
    return made.start("x", ["sh", "-c", script], **PIPES)


def all_have_ended(pipe: int) -> bool:
    """Wait until nobody holds the other end of `pipe`."""
    return os.read(pipe, 1) == b""


def test_all_that_it_started_ends_with_the_run(tmp_path: Path) -> None:
    made = processes()
    started = holding(made, tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY)  # which waits for them
    waiting = threading.Thread(target=started.communicate)
    waiting.start()
    made.end()
    assert all_have_ended(pipe)
    waiting.join()
    os.close(pipe)


def test_after_the_end_nothing_begins() -> None:
    made = processes()
    made.end()
    with pytest.raises(InterruptedError):
        made.start("x", ["true"], **PIPES)


def test_whoever_stops_waiting_ends_it() -> None:
    def stop(_text: str) -> None:
        raise KeyboardInterrupt

    for apart in (True, False):
        started = processes(stop, apart=apart).start("x", ["sleep", "300"], **PIPES)
        with pytest.raises(KeyboardInterrupt):
            started.communicate()
        assert started.returncode == -15


def test_it_is_said_once_what_is_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    noted: list[str] = []

    def note(text: str) -> None:
        noted.append(text)
        pipe.write_text("go on\n")

    script = f"read line < {pipe}; echo out; echo err >&2; exit 3"
    started = processes(note).start("x", ["sh", "-c", script], **PIPES)
    assert started.communicate() == (b"out\n", b"err\n")
    assert started.returncode == 3
    assert noted == ["waiting for the credential_process of profile x"]


@pytest.mark.parametrize("apart", [True, False])
def test_only_where_nobody_listens_it_has_a_session_of_its_own(apart: bool) -> None:  # noqa: FBT001
    show = "import os; print(os.getsid(0) == os.getpid())"
    started = processes(apart=apart).start("x", [sys.executable, "-c", show], **PIPES)
    assert started.communicate()[0].decode().strip() == str(apart)


def test_a_profile_whose_process_we_run_for_is_a_circle() -> None:
    made = SourceProcesses({"VAULTPY_ASKING": "a\nx"}, lambda _: None, apart=True)
    with pytest.raises(SourceFailed, match=r"x gets no credentials .* it asks vaultpy for this very profile"):
        made.check_circle(ForeignSource("x", PROCESS, is_temporary=True))
    made.check_circle(ForeignSource("y", PROCESS, is_temporary=True))
    made.check_circle(ForeignSource("x", PLAIN_KEYS, is_temporary=True))
    made.check_circle(None)


@pytest.mark.parametrize("words", [["exec", "role", "--", "true"], ["credential-process", "role"]])
def test_a_role_whose_process_asks_for_that_role_is_told_and_not_waited_for(
    tmp_path: Path, words: list[str]
) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f"#!/bin/sh\n{BIN}/vaultpy credential-process role 2>{tmp_path}/said || exit 1\n")
    wrapper.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(
        f"[profile x]\ncredential_process = {wrapper}\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/dev\nsource_profile = x\n"
    )
    done = subprocess.run(
        [BIN / "vaultpy", *words],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "AWS_CONFIG_FILE": str(config)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,  # each would wait for the other's lock, until one of them ends after 48 s
        start_new_session=True,
        check=False,
    )
    assert done.returncode != 0
    error, hint = (tmp_path / "said").read_text().splitlines()
    assert error.endswith("it asks vaultpy for this very profile")
    assert hint.startswith("vaultpy: hint: ")
    assert "it ended with status 1" in done.stderr
