"""Where vaultpy keeps what it remembers, and how a file is written: private, whole, one writer at a time."""
# pathlib and contextlib would cost every warm start milliseconds:
# ruff: noqa: PTH101, PTH102, PTH105, PTH108, PTH112, PTH116, PTH117, PTH118, PTH120, PTH123, PTH208, SIM105

from __future__ import annotations

import errno
import os
import stat
import sys
import time

import vaultpy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import BinaryIO, TypeVar

    _Result = TypeVar("_Result")

_PRIVATE_DIRECTORY = 0o700
_PRIVATE_FILE = 0o600
_GROUP_BITS = 0o070
_ABANDONED_AFTER = 60.0
_TEMPORARY_SUFFIX = ".vaultpy-new"
_POLL = 0.01
_PATIENCE = 20.0


def state_directory(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the directory of vaultpy's state, which may not exist yet.

    It is `vaultpy` in `$XDG_STATE_HOME` (ignored when relative, as the XDG base directory specification has
    it) or in `~/.local/state`; on Windows in `%LOCALAPPDATA%`. Raises StateUnusable when there is no home.
    """
    if platform == "win32":
        from vaultpy.windows import local_directory

        return os.path.join(local_directory(environ), "vaultpy")
    base = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(_home(environ), ".local", "state")
    return os.path.join(base, "vaultpy")


def _home(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "")
    if os.path.isabs(home):
        return home
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        raise vaultpy.errors.StateUnusable(
            path="~/.local/state",
            reason="this user has no home directory",
            remedy="name a directory of your own: export XDG_STATE_HOME=DIRECTORY",
        ) from None


def make_private_directory(path: str, platform: str = sys.platform) -> None:
    """Create the directory `path` and its missing parents with mode 0700; an existing one is set to 0700.

    On Windows, which has no modes, an existing one stays as it is, and Python closes a new one to others.
    Raises StateUnusable when it cannot be made, is no directory or belongs to somebody else.
    """
    try:
        _make_directories(path)
        found = os.stat(path)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if platform != "win32" and found.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, f"it belongs to user id {found.st_uid}")
        if platform != "win32" and stat.S_IMODE(found.st_mode) != _PRIVATE_DIRECTORY:
            os.chmod(path, _PRIVATE_DIRECTORY)
    except OSError as error:
        raise vaultpy.errors.StateUnusable(
            path=path,
            reason=error.strerror,
            remedy="make it a directory of your own, or name another place: export XDG_STATE_HOME=DIRECTORY",
        ) from error


def _make_directories(path: str) -> None:
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent not in {path, ""}:
        _make_directories(parent)
    try:
        os.mkdir(path, _PRIVATE_DIRECTORY)
    except FileExistsError:
        pass  # another process was faster; whether it is a directory is looked at afterwards


def replace_file(path: str, data: bytes, mode: int | None = None, platform: str = sys.platform) -> None:
    """Make `data` the whole content of `path`; a reader, or a crash, meets the old or the new, never a part.

    A symlink stays one and its target is replaced. An existing file keeps its mode, and its owner as far as
    the system allows; a new one gets `mode`, or 0600. Returns when it is on the disk. Raises OSError.
    """
    target = os.path.realpath(path)
    directory, name = os.path.split(target)
    _sweep(directory, name)
    temporary = os.path.join(directory, f".{name}.{os.urandom(6).hex()}{_TEMPORARY_SUFFIX}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if platform != "win32":
                _take_over_rights(descriptor, target, mode)
            os.fsync(descriptor)
        _wait_for_readers(lambda: os.replace(temporary, target), platform)
    except BaseException:
        try:
            os.unlink(temporary)
        except FileNotFoundError:
            pass  # an interruption came when it had its new name already
        raise
    if platform != "win32":
        _sync_directory(directory)


def open_replaced(path: str, platform: str = sys.platform) -> BinaryIO:
    """Open a file to read it that another process may replace at this very moment; raises OSError."""
    return _wait_for_readers(lambda: open(path, "rb"), platform)


def _wait_for_readers(call: Callable[[], _Result], platform: str) -> _Result:
    if platform != "win32":
        return call()
    from vaultpy.windows import patiently

    return patiently(call)


def _take_over_rights(descriptor: int, target: str, mode: int | None) -> None:
    try:
        old = os.stat(target)
    except FileNotFoundError:
        os.fchmod(descriptor, _PRIVATE_FILE if mode is None else mode)
        return
    if not stat.S_ISREG(old.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", target)
    kept = stat.S_IMODE(old.st_mode)
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(descriptor, old.st_uid if os.geteuid() == 0 else -1, old.st_gid)
        except PermissionError:
            kept &= ~_GROUP_BITS  # they were meant for another group
    os.fchmod(descriptor, kept)


def _sweep(directory: str, name: str) -> None:
    """Remove what a killed writer of the same file left; one that is alive is done within seconds."""
    prefix = f".{name}."
    for found in os.listdir(directory):
        if found.startswith(prefix) and found.endswith(_TEMPORARY_SUFFIX):
            path = os.path.join(directory, found)
            try:
                if os.lstat(path).st_mtime < time.time() - _ABANDONED_AFTER:
                    os.unlink(path)
            except OSError:
                pass  # its writer or another sweep was faster, or it is somebody else's


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class locked:  # noqa: N801  # used like a function: with locked(path)
    """A context in which no other process holds the lock on the file `path`; waits for it.

    The file is created with mode 0600 and stays. A process that dies frees its lock at once, and no command
    that it execs inherits it. Raises OSError, a symlink being refused, and StateUnusable when the lock is not
    free within `patience` seconds: it is held for an instant only, unless its holder was stopped.
    """

    __slots__ = ("_descriptor", "_path", "_patience")

    def __init__(self, path: str, patience: float = _PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._descriptor = -1

    def __enter__(self) -> None:
        self._descriptor = open_lock_file(self._path)
        try:
            self._wait()
        except BaseException:
            os.close(self._descriptor)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def _wait(self) -> None:
        deadline = time.monotonic() + self._patience
        while not try_lock(self._descriptor):
            if time.monotonic() >= deadline:
                from vaultpy.lock_holder import held_too_long

                raise held_too_long(self._path, self._descriptor, self._patience)
            time.sleep(_POLL)


def open_lock_file(path: str) -> int:
    """Return a descriptor, not inherited, of the file `path`, made with mode 0600; OSError for a symlink."""
    return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), _PRIVATE_FILE)


def try_lock(descriptor: int) -> bool:
    """Lock the open file for this descriptor, if it is free, until it is closed; tell whether it was."""
    try:
        if sys.platform == "win32":
            import msvcrt

            from vaultpy.windows import lock_a_byte

            lock_a_byte(descriptor, msvcrt.locking)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the latter is how Windows says it
        return False
    return True
