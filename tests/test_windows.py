"""What Windows does its own way; and all of vaultpy on a Python that has no more than Windows has."""

from __future__ import annotations

import errno
import os
import pkgutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vaultpy
from support.pretend_windows import locking
from vaultpy.errors import CommandNotExecutable, StateUnusable
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.windows import local_directory, lock_a_byte, patiently, signed, supervise

if TYPE_CHECKING:
    from collections.abc import Iterator

ON_WINDOWS = Path(__file__).parent / "support" / "on_windows"
VAULTPY = Path(sys.executable).parent / "vaultpy"
CONTROL_C_EXIT = 0xC000013A

END_AS_CONTROL_C_DOES = "from vaultpy.__main__ import _die_of_interrupt; _die_of_interrupt('win32')"
IMPORT = """
import importlib, os, socket, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(sys.platform, len(sys.argv) - 1)
del socket.AF_UNIX
from vaultpy.pcsc import _raise_if_forbidden
_raise_if_forbidden()
from vaultpy.source_process import SourceProcesses
processes = SourceProcesses(os.environ, print, apart=True)
source = processes.start("dev", ["sleep", "100"], stdout=-1, stderr=-1)
processes.end()
print(source.returncode)
"""


def on_windows(**variables: str) -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(ON_WINDOWS)} | variables


# ---- directories -------------------------------------------------------------------------------------


def test_the_users_own_directory_is_the_one_that_does_not_roam() -> None:
    variables = {"LOCALAPPDATA": "D:/Local", "APPDATA": "C:/Roaming", "USERPROFILE": "C:/Users/alice"}
    assert local_directory(variables) == "D:/Local"


def test_without_its_variable_it_is_in_the_profile() -> None:
    expected = os.path.join("C:/Users/alice", "AppData", "Local")  # noqa: PTH118  # as the module has it
    assert local_directory({"USERPROFILE": "C:/Users/alice", "LOCALAPPDATA": ""}) == expected


def test_without_a_profile_there_is_none() -> None:
    with pytest.raises(StateUnusable) as caught:
        local_directory({"HOME": "/home/alice"})
    assert "set LOCALAPPDATA=DIRECTORY" in caught.value.hint


# ---- files that somebody has open --------------------------------------------------------------------


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return it."""
        return self.now

    def pause(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


def test_a_refusal_that_passes_is_waited_for() -> None:
    clock, refusals = Clock(), [PermissionError(errno.EACCES, "in use")] * 3

    def open_file() -> str:
        if refusals:
            raise refusals.pop()
        return "content"

    assert patiently(open_file, clock, clock.pause) == "content"
    assert 0 < clock.now < 1


def test_a_refusal_that_stays_is_raised_after_two_seconds() -> None:
    clock = Clock()

    def open_file() -> None:
        raise PermissionError(errno.EACCES, "read-only")

    with pytest.raises(PermissionError, match="read-only"):
        patiently(open_file, clock, clock.pause)
    assert clock.now == pytest.approx(2, abs=0.1)


def test_a_file_that_is_missing_is_not_waited_for() -> None:
    clock = Clock()

    def open_file() -> None:
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        patiently(open_file, clock, clock.pause)
    assert clock.now == 0


# ---- locks -------------------------------------------------------------------------------------------


@pytest.fixture
def twice(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Open one file twice, as two processes would."""
    (tmp_path / "file").write_text("text")
    descriptors = [os.open(tmp_path / "file", os.O_RDWR) for _ in range(2)]
    yield descriptors[0], descriptors[1]
    for descriptor in descriptors:
        os.close(descriptor)


def test_what_one_has_locked_the_other_cannot(twice: tuple[int, int]) -> None:
    first, second = twice
    lock_a_byte(first, locking)
    with pytest.raises(PermissionError):
        lock_a_byte(second, locking)


def test_where_a_file_is_read_and_written_stays_the_same_whether_it_is_locked_or_not(
    twice: tuple[int, int],
) -> None:
    first, second = twice
    os.lseek(second, 1, os.SEEK_SET)
    lock_a_byte(first, locking)
    with pytest.raises(PermissionError):
        lock_a_byte(second, locking)
    os.write(first, b"T")
    assert os.fstat(first).st_size == 4
    assert os.read(second, 10) == b"ext"


# ---- a command beside us -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "taken"),
    [(0, 0), (125, 125), (0x7FFFFFFF, 0x7FFFFFFF), (0x80000000, -0x80000000), (CONTROL_C_EXIT, -0x3FFFFEC6)],
)
def test_an_exit_status_is_one_that_exit_takes(status: int, taken: int) -> None:
    assert signed(status) == taken


def test_control_c_is_for_the_command_to_answer(tmp_path: Path) -> None:
    """Here the signal goes to us alone: the command goes on, and so do we."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def interrupt() -> None:
        with pipe.open("w") as file:  # once it is opened to read, the command runs
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            file.write("go on")

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=interrupt)
    thread.start()
    status = supervise(
        "/bin/sh", ["sh", "-c", f"read line < '{pipe}'; test \"$line\" = 'go on' && exit 7"], {}
    )
    thread.join()
    assert status == 7
    assert signal.getsignal(signal.SIGINT) == before


def test_a_file_that_windows_does_not_start_is_no_bug_of_ours(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    with pytest.raises(CommandNotExecutable) as caught:
        supervise(str(tmp_path / "text"), ["text"], {})
    assert caught.value.message.endswith("text cannot be executed: permission denied")


def test_after_control_c_the_status_is_that_of_a_program_which_it_ended() -> None:
    done = subprocess.run([sys.executable, "-c", END_AS_CONTROL_C_DOES], check=False)
    assert done.returncode == CONTROL_C_EXIT & 0xFF  # of which Linux takes the last byte


# ---- a Python without what POSIX alone has ------------------------------------------------------------


def test_every_module_is_imported_where_posix_is_missing_and_a_program_started_apart_is_ended() -> None:
    names = [found.name for found in pkgutil.walk_packages(vaultpy.__path__, "vaultpy.")]
    words = [sys.executable, "-c", IMPORT, *names]
    done = subprocess.run(words, env=on_windows(), capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == f"win32 {len(names)}\n{-signal.SIGTERM}\n", done.stderr
    assert len(names) > 100


def test_the_main_job_is_done_where_posix_is_missing(tmp_path: Path) -> None:
    tool = tmp_path / "tool.sh"
    tool.write_text("#!/bin/sh\necho $AWS_ACCESS_KEY_ID $1\nexit 7\n")
    tool.chmod(0o700)
    with SimulatedAws() as aws:
        account = aws.account("123456789012")
        key = account.user("alice").access_key()
        role = account.role("dev", requires_mfa=False).arn
        environ = on_windows(
            LOCALAPPDATA=str(tmp_path / "Local"),
            USERPROFILE=str(tmp_path / "alice"),
            HOME=str(tmp_path / "home"),
            PATH=str(tmp_path),
            PATHEXT=".sh",
            AWS_ENDPOINT_URL=aws.url,
            AWS_REGION="us-east-1",
            AWS_ACCESS_KEY_ID=key.id,
            AWS_SECRET_ACCESS_KEY=key.secret,
            VAULTPY_KEYSTORE="file",
            VAULTPY_KEYSTORE_FILE=str(tmp_path / "keystore"),
            VAULTPY_KEYSTORE_PASSPHRASE="open sesame",
            VAULTPY_SESSIONS="off",
        )
        added = vaultpy_with(environ, "add", "dev", "--env", "--role", f"dev-role={role}")
        done = vaultpy_with(environ, "exec", "dev-role", "--", "tool", "a word")
    assert added.returncode == 0, added.stderr
    assert (tmp_path / "Local" / "vaultpy" / "index").exists()
    assert (tmp_path / "alice" / ".aws" / "config").exists()
    assert not (tmp_path / "home").exists()
    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith("ASIA")


def vaultpy_with(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    words = (str(VAULTPY), *words)
    return subprocess.run(words, env=environ, capture_output=True, text=True, check=False, timeout=60)
