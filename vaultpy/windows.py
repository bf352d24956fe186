"""What Windows does its own way: the user's directory, files that are open, locks, a command beside us.

Everything here runs elsewhere too, so that it is tested there: what only Windows has is handed in.
"""
# pathlib and contextlib would cost every warm start milliseconds:
# ruff: noqa: PTH118

from __future__ import annotations

import os
import time

import vaultpy

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Mapping
    from typing import NoReturn, TypeVar

    _Result = TypeVar("_Result")
else:
    import _signal  # signal itself imports enum, 3 ms

_LOCK_WITHOUT_WAITING = 2  # msvcrt.LK_NBLCK
_LOCKED_BYTE = 1 << 30  # what is locked nobody else can read: not one of the bytes that are text
_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 2.0
_CONTROL_C_EXIT = 0xC000013A


def local_directory(environ: Mapping[str, str]) -> str:
    """Return the user's directory for what stays on this computer; raises StateUnusable if none is named."""
    home = environ.get("USERPROFILE", "")
    found = environ.get("LOCALAPPDATA", "") or (home and os.path.join(home, "AppData", "Local"))
    if not found:
        raise vaultpy.errors.StateUnusable(
            path="%LOCALAPPDATA%",
            reason="there is no such variable",
            remedy="name a directory of your own: set LOCALAPPDATA=DIRECTORY",
        )
    return found


def patiently(
    call: Callable[[], _Result],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> _Result:
    """Return what `call` returns, which opens or replaces a file; raises what it raises.

    Windows refuses both for the instant in which somebody else opens or replaces the same file, be it another
    vaultpy or what looks for viruses. So a refusal is believed only after two seconds.
    """
    deadline = clock() + _PATIENCE_SECONDS
    while True:
        try:
            return call()
        except PermissionError:
            if clock() >= deadline:
                raise
        pause(_POLL_SECONDS)


def lock_a_byte(descriptor: int, locking: Callable[[int, int, int], None]) -> None:
    """Lock the open file, until it is closed, by `locking`, which is `msvcrt`'s; raises PermissionError.

    A lock begins where the file is read and written; that place is the same afterwards.
    """
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
    try:
        locking(descriptor, _LOCK_WITHOUT_WAITING, 1)
    finally:
        os.lseek(descriptor, place, os.SEEK_SET)


def supervise(path: str, command: list[str], environ: dict[str, str]) -> int:
    """Run `command`, whose file is `path`, and return its exit status; raises CommandNotExecutable.

    For the main thread. The console sends Ctrl-C and Ctrl-Break to both of us: what they mean is for the
    command to say.
    """
    from subprocess import Popen

    names = ("SIGINT", "SIGBREAK")
    numbers = [getattr(_signal, name) for name in names if hasattr(_signal, name)]
    before = {number: _signal.signal(number, _nothing) for number in numbers}
    try:
        return Popen(command, executable=path, env=environ).wait()
    except OSError as error:
        reason, remedy = (error.strerror or "").lower(), "see that it starts without vaultpy"
        raise vaultpy.errors.CommandUnusable(command=path, reason=reason, remedy=remedy) from None
    finally:
        for number, handler in before.items():
            _signal.signal(number, handler)


def _nothing(_number: int, _frame: object) -> None:
    """Take no notice; unlike an ignored signal, the command does not inherit it."""


def signed(status: int) -> int:
    """Return an exit status of Windows (a DWORD such as 0xC000013A) as the C int that `_exit` takes."""
    return status - (1 << 32) if status >= 1 << 31 else status


def end_as_control_c_does() -> NoReturn:
    """End at once with the status that a program has which Ctrl-C ended.

    `os.kill` would not do: there it makes any signal's number the exit status.
    """
    os._exit(signed(_CONTROL_C_EXIT))
