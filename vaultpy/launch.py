"""Becoming the command: its path, then exec; or a child that is supervised.

The command starts as the user's shell would have started it. What the interpreter has changed in this process
(signal dispositions, LC_CTYPE) is undone first; descriptors of our own are never inherited (PEP 446).
"""

from __future__ import annotations

import errno
import os
import sys
from stat import S_ISDIR, S_ISREG

import vaultpy
from vaultpy.environment import uncoerced

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Mapping
    from typing import NoReturn, TypeVar

    _Started = TypeVar("_Started")
else:
    import _signal  # signal itself imports enum, 3 ms

_SHELL = "/bin/sh"
_REMEDIES = {
    errno.E2BIG: "hand it fewer or shorter arguments, or a smaller environment",
    errno.ENOENT: "correct the interpreter in its first line, or install it",
    errno.ENOEXEC: "install the build for this machine",
}
_REASONS = {errno.ENOENT: "its interpreter is missing"}


def find_command(command: list[str], environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the file that execvp would start for `command` under the PATH of `environ`.

    A name with a slash is taken as it is; an empty entry of PATH is the current directory. Raises
    CommandNotFound, or CommandNotExecutable if all that is there cannot be executed.
    """
    name = command[0]
    if platform == "win32":
        from shutil import which

        found = which(name, path=environ.get("PATH"))
        if found is None:
            raise vaultpy.errors.CommandNotFound(command=name)
        return found
    candidates = [name]
    if "/" not in name:
        entries = environ.get("PATH", os.defpath).split(":") if name else []
        candidates = [f"{entry or '.'}/{name}" for entry in entries]
    first_refusal = None
    for candidate in candidates:
        refusal = _refusal(candidate)
        if refusal is None:
            return candidate
        if isinstance(refusal, vaultpy.errors.CommandNotExecutable):
            first_refusal = first_refusal or refusal
    raise first_refusal or vaultpy.errors.CommandNotFound(command=name)


def _refusal(path: str) -> vaultpy.errors.CommandNotFound | vaultpy.errors.CommandNotExecutable | None:
    """Return what exec would have against `path`."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  # pathlib costs 9 ms
    except PermissionError:
        remedy = "see that you may enter its directory, or take that out of PATH"
        return vaultpy.errors.CommandUnusable(command=path, reason="permission denied", remedy=remedy)
    except OSError:
        return vaultpy.errors.CommandNotFound(command=path)
    if not S_ISREG(mode):
        reason = "it is a directory" if S_ISDIR(mode) else "it is no regular file"
        return vaultpy.errors.CommandUnusable(command=path, reason=reason, remedy="name a program instead")
    return (
        None
        if os.access(path, os.X_OK)
        else vaultpy.errors.CommandNotExecutable(command=path, reason="permission denied")
    )


def become(path: str, command: list[str], environ: dict[str, str], platform: str = sys.platform) -> NoReturn:
    """Replace this process by `command`, whose file is `path`; raises CommandNotExecutable.

    On Windows, which has no exec, supervise it and exit with its status.
    """
    if platform == "win32":
        from vaultpy.windows import signed

        # Not SystemExit, which those who called us may take for their own.
        os._exit(signed(supervise(command, environ, platform)))
    environ = uncoerced(environ)
    _flush()
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    if _signal.getsignal(_signal.SIGINT) != _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # a Ctrl-C just before exec would get lost
    start(os.execve, path, command, environ)


def _flush() -> None:
    try:
        for stream in filter(None, (sys.stderr, sys.stdout)):  # None: it was closed at the start
            stream.flush()
    except OSError:  # nobody reads it any more; the command may do without
        return


def start(
    by: Callable[[str, list[str], dict[str, str]], _Started],
    path: str,
    command: list[str],
    environ: dict[str, str],
) -> _Started:
    """Call `by`, by way of the shell for a script without `#!`, as execvp and every shell does.

    Raises CommandNotExecutable.
    """
    try:
        try:
            return by(path, command, environ)
        except OSError as error:
            if error.errno != errno.ENOEXEC or not _may_be_script(path):
                raise
        return by(_SHELL, [_SHELL, path, *command[1:]], environ)
    except OSError as error:
        number = error.errno or 0
        reason = _REASONS.get(number) or os.strerror(number).lower()
        remedy = _REMEDIES.get(number, "see that it starts without vaultpy")
        raise vaultpy.errors.CommandUnusable(command=path, reason=reason, remedy=remedy) from None


def _may_be_script(path: str) -> bool:
    """Tell whether the first line is text (POSIX, sh, "Command Search and Execution")."""
    with open(path, "rb") as file:  # noqa: PTH123  # pathlib costs 9 ms
        return b"\0" not in file.read(256).partition(b"\n")[0]


def supervise(command: list[str], environ: dict[str, str], platform: str = sys.platform) -> int:
    """Run `command` as a child, pass signals on to it, and return its exit status (128+n for signal n).

    For the main thread. The child stays in our process group: what a terminal sends reaches it without us,
    and for job control we stop when it stops. Raises CommandNotFound, CommandNotExecutable.
    """
    path = find_command(command, environ, platform)
    environ = uncoerced(environ)
    _flush()
    if platform == "win32":
        from vaultpy.windows import supervise as supervise_on_windows

        return supervise_on_windows(path, command, environ)
    notes, writer = os.pipe()
    os.set_blocking(writer, False)
    outer_writer = _signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    ignored = {number for number in _passed_on() if _signal.getsignal(number) == _signal.SIG_IGN}
    caught = (_passed_on() - ignored) | {_signal.SIGCHLD}
    outer = {number: _signal.signal(number, _noted) for number in caught}
    try:
        child_id = start(_spawn, path, command, environ)
        # Only now, so that the child inherits them ignored; it may handle them all the same.
        outer |= {number: _signal.signal(number, _noted) for number in ignored}
        return _wait(child_id, notes)
    finally:
        for number, handler in outer.items():
            _signal.signal(number, handler)
        _signal.set_wakeup_fd(outer_writer)
        os.close(writer)
        os.close(notes)


def _keyboard() -> set[int]:
    return {_signal.SIGINT, _signal.SIGQUIT, _signal.SIGTSTP}


def _passed_on() -> set[int]:
    others = {_signal.SIGCONT, _signal.SIGHUP, _signal.SIGTERM, _signal.SIGUSR1, _signal.SIGUSR2}
    return _keyboard() | others


def _noted(_number: int, _frame: object) -> None:
    """Let a signal come in through the wakeup descriptor alone."""


def _spawn(path: str, command: list[str], environ: dict[str, str]) -> int:
    return os.posix_spawn(path, command, environ, setsigdef=[_signal.SIGPIPE, _signal.SIGXFSZ])


def _wait(child: int, notes: int) -> int:
    """Handle each signal whose number can be read from `notes`, until `child` ends."""
    while True:
        number = os.read(notes, 1)[0]
        if number != _signal.SIGCHLD and not (number in _keyboard() and _foreground() == os.getpgrp()):
            _send(child, number)
        ended, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if ended and os.WIFSTOPPED(status):
            if _foreground() is not None:
                os.kill(os.getpid(), _signal.SIGSTOP)
        elif ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _send(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except PermissionError:  # it runs as another user, as sudo does; the terminal's signals still reach it
        return


def _foreground() -> int | None:
    """Return the process group in the foreground of our terminal; None without one."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
        try:
            return os.tcgetpgrp(terminal)
        finally:
            os.close(terminal)
    except OSError:
        return None
