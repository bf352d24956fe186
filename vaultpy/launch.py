"""Becoming the command: its path, its environment, then exec; or a child that is supervised.

The command starts as the user's shell would have started it. What the interpreter has changed in this process
(signal dispositions, LC_CTYPE) is undone first; descriptors of our own are never inherited (PEP 446).
"""

from __future__ import annotations

import errno
import os
import sys
import time
from stat import S_ISDIR, S_ISREG

from vaultpy.errors import CommandNotExecutable, CommandNotFound, CommandUnusable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Mapping
    from typing import NoReturn, TypeVar

    from vaultpy.credentials import Credentials

    _Started = TypeVar("_Started")
else:
    import _signal  # signal itself imports enum, 3 ms

_UNWANTED = {
    # Each of these sends some AWS SDK to other credentials, another account or a dead end.
    "AWS_ACCOUNT_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DEFAULT_PROFILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECURITY_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "VAULTPY_KEYSTORE_PASSPHRASE",
    "VAULTPY_KEYSTORE_PASSPHRASE_FILE",
    "",  # execve refuses an entry without a name
}
_COERCED_LOCALES = ("C.UTF-8", "C.utf8", "UTF-8")  # PEP 538
_SHELL = "/bin/sh"
_REMEDIES = {
    errno.E2BIG: "hand it fewer or shorter arguments, or a smaller environment",
    errno.ENOENT: "correct the interpreter in its first line, or install it",
    errno.ENOEXEC: "install the build for this machine",
}
_REASONS = {errno.ENOENT: "its interpreter is missing"}


def find_command(command: list[str], environ: Mapping[str, str]) -> str:
    """Return the file that execvp would start for `command` under the PATH of `environ`.

    A name with a slash is taken as it is; an empty entry of PATH is the current directory. Raises
    CommandNotFound, or CommandNotExecutable if all that is there cannot be executed.
    """
    name = command[0]
    if sys.platform == "win32":
        from shutil import which

        found = which(name, path=environ.get("PATH"))
        if found is None:
            raise CommandNotFound(command=name)
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
        if isinstance(refusal, CommandNotExecutable):
            first_refusal = first_refusal or refusal
    raise first_refusal or CommandNotFound(command=name)


def _refusal(path: str) -> CommandNotFound | CommandNotExecutable | None:
    """Return what exec would have against `path`."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  # pathlib costs 9 ms
    except PermissionError:
        remedy = "see that you may enter its directory, or take that out of PATH"
        return CommandUnusable(command=path, reason="permission denied", remedy=remedy)
    except OSError:
        return CommandNotFound(command=path)
    if not S_ISREG(mode):
        reason = "it is a directory" if S_ISDIR(mode) else "it is no regular file"
        return CommandUnusable(command=path, reason=reason, remedy="name a program instead")
    return (
        None if os.access(path, os.X_OK) else CommandNotExecutable(command=path, reason="permission denied")
    )


def child_environment(  # noqa: PLR0913  # all but the first by keyword; a class for them would be used here alone
    environ: Mapping[str, str],
    *,
    profile: str,
    credentials: Credentials,
    region: str | None,
    account_id: str | None,
    extra: Mapping[str, str] = {},
) -> dict[str, str]:
    """Return `environ` with `credentials` in it and without what would lead an AWS SDK past them.

    `extra` holds the profile's settings that have an environment form (endpoints, ca_bundle); as in botocore,
    a variable that is set already wins over them. Without a `region` the variables of `environ` stay.
    """
    child = {name: value for name, value in environ.items() if name not in _UNWANTED}
    child["AWS_ACCESS_KEY_ID"] = credentials.access_key_id
    child["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key.reveal()
    child["AWS_SESSION_TOKEN"] = credentials.session_token.reveal()
    expiration = time.gmtime(credentials.expiration)
    child["AWS_CREDENTIAL_EXPIRATION"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", expiration)
    if account_id is not None:
        child["AWS_ACCOUNT_ID"] = account_id
    if region is not None:
        child["AWS_REGION"] = child["AWS_DEFAULT_REGION"] = region
    child["VAULTPY"] = child["AWS_VAULT"] = profile  # shell prompts show AWS_VAULT
    for name, value in extra.items():
        child.setdefault(name, value)
    return child


def become(path: str, command: list[str], environ: dict[str, str]) -> NoReturn:
    """Replace this process by `command`, whose file is `path`; raises CommandNotExecutable.

    On Windows, which has no exec, supervise it and exit with its status.
    """
    if sys.platform == "win32":
        sys.exit(supervise(command, environ))
    environ = _uncoerced(environ, _initial_environment())
    _flush()
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    if _signal.getsignal(_signal.SIGINT) != _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # a Ctrl-C just before exec would get lost
    _start(os.execve, path, command, environ)


def _flush() -> None:
    try:
        for stream in filter(None, (sys.stderr, sys.stdout)):  # None: it was closed at the start
            stream.flush()
    except OSError:  # nobody reads it any more; the command may do without
        return


def _start(
    start: Callable[[str, list[str], dict[str, str]], _Started],
    path: str,
    command: list[str],
    environ: dict[str, str],
) -> _Started:
    """Call `start`, by way of the shell for a script without `#!`, as execvp and every shell does."""
    try:
        try:
            return start(path, command, environ)
        except OSError as error:
            if error.errno != errno.ENOEXEC or not _may_be_script(path):
                raise
        return start(_SHELL, [_SHELL, path, *command[1:]], environ)
    except OSError as error:
        number = error.errno or 0
        reason = _REASONS.get(number) or os.strerror(number).lower()
        remedy = _REMEDIES.get(number, "see that it starts without vaultpy")
        raise CommandUnusable(command=path, reason=reason, remedy=remedy) from None


def _may_be_script(path: str) -> bool:
    """Tell whether the first line is text (POSIX, sh, "Command Search and Execution")."""
    with open(path, "rb") as file:  # noqa: PTH123  # pathlib costs 9 ms
        return b"\0" not in file.read(256).partition(b"\n")[0]


def _initial_environment() -> bytes | None:
    """Return the environment that this process was started with, where the system tells (Linux)."""
    try:
        with open("/proc/self/environ", "rb") as file:  # noqa: PTH123  # pathlib costs 9 ms
            return file.read()
    except OSError:
        return None


def _uncoerced(environ: dict[str, str], initial: bytes | None) -> dict[str, str]:
    """Return `environ` with the LC_CTYPE of `initial`, if it is one that the interpreter sets (PEP 538).

    Without `initial`, UTF-8 mode tells: it is on in a C locale only, unless asked for, until Python 3.15.
    """
    if environ.get("LC_CTYPE") not in _COERCED_LOCALES:
        return environ
    name = b"LC_CTYPE="
    if initial is not None:
        values = [entry[len(name) :] for entry in initial.split(b"\0") if entry.startswith(name)]
    elif sys.flags.utf8_mode and sys.version_info < (3, 15) and "PYTHONUTF8" not in environ:
        values = []
    else:
        return environ
    others = {name: value for name, value in environ.items() if name != "LC_CTYPE"}
    return {**others, "LC_CTYPE": os.fsdecode(values[0])} if values else others


def supervise(command: list[str], environ: dict[str, str]) -> int:
    """Run `command` as a child, pass signals on to it, and return its exit status (128+n for signal n).

    For the main thread. The child stays in our process group: what a terminal sends reaches it without us,
    and for job control we stop when it stops. Raises CommandNotFound, CommandNotExecutable.
    """
    path = find_command(command, environ)
    environ = _uncoerced(environ, _initial_environment())
    _flush()
    if sys.platform == "win32":
        return _supervise_on_windows(path, command, environ)
    notes, writer = os.pipe()
    os.set_blocking(writer, False)
    outer_writer = _signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    ignored = {number for number in _passed_on() if _signal.getsignal(number) == _signal.SIG_IGN}
    caught = (_passed_on() - ignored) | {_signal.SIGCHLD}
    outer = {number: _signal.signal(number, _noted) for number in caught}
    try:
        child_id = _start(_spawn, path, command, environ)
        # Only now, so that the child inherits them ignored; it may handle them all the same.
        outer |= {number: _signal.signal(number, _noted) for number in ignored}
        return _wait(child_id, notes)
    finally:
        for number, handler in outer.items():
            _signal.signal(number, handler)
        _signal.set_wakeup_fd(outer_writer)
        os.close(writer)
        os.close(notes)


def _supervise_on_windows(path: str, command: list[str], environ: dict[str, str]) -> int:
    from subprocess import Popen

    child = Popen(command, executable=path, env=environ)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # noqa: PERF203  # the console has sent it to the child as well
            continue


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
