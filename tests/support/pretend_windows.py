"""A Python that vaultpy takes for one on Windows: without what POSIX alone has, and with `msvcrt`.

It shows that no module needs more than Windows has, and that the branches for it work together. How Windows
itself behaves it does not show.
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import os
import pkgutil
import shutil
import signal
import struct
import subprocess
import sys
import sysconfig
from types import ModuleType
from typing import Any

_MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
_OF_OS = """
    O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC WEXITSTATUS WIFEXITED WIFSIGNALED
    WIFSTOPPED WTERMSIG WUNTRACED chown chroot ctermid fchdir fchmod fchown fdatasync fork forkpty getegid
    geteuid getgid getgroups getloadavg getpgid getpgrp getpriority getresuid getsid getuid initgroups
    killpg lchown lockf major makedev minor mkfifo mknod nice openpty pathconf posix_fadvise
    posix_fallocate posix_spawn posix_spawnp pread preadv pwrite pwritev readv sched_getaffinity
    sched_yield sendfile set_blocking setegid seteuid setgid setgroups setpgid setpriority setregid
    setreuid setsid setuid statvfs sync sysconf tcgetpgrp tcsetpgrp ttyname uname wait wait3 wait4 waitid
    writev
"""  # and WNOHANG, which subprocess needs to wait for anything here
_OF_SIGNAL = """
    ITIMER_REAL SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGTTIN SIGTTOU
    SIGUSR1 SIGUSR2 SIGWINCH SIGXFSZ SIG_BLOCK SIG_SETMASK SIG_UNBLOCK alarm getitimer pause pthread_kill
    pthread_sigmask setitimer siginterrupt sigpending sigtimedwait sigwait sigwaitinfo
"""
_BREAK = 21
LK_NBLCK = 2


def locking(descriptor: int, mode: int, length: int) -> None:
    """Lock bytes from where the file is read and written, for this opening of it, as `msvcrt` does."""
    assert mode == LK_NBLCK
    wanted = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_CUR, 0, length, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except BlockingIOError:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


def pretend() -> None:
    """Begin: what is imported from now on is on Windows, but for what vaultpy stands on."""
    _load_what_vaultpy_stands_on()
    for name in _MODULES:
        sys.modules.pop(name, None)
    for module, names in ((os, _OF_OS), (signal, _OF_SIGNAL), (sys.modules["_signal"], _OF_SIGNAL)):
        for name in names.split():
            module.__dict__.pop(name, None)
        if module is not os:
            module.__dict__["SIGBREAK"] = _BREAK
    for name in ("dlopen", "dlsym"):
        sys.modules["_ctypes"].__dict__.pop(name, None)
    runtime: Any = ModuleType("msvcrt")
    runtime.locking, runtime.LK_NBLCK = locking, LK_NBLCK
    sys.modules["msvcrt"] = runtime
    windows: Any = ModuleType("_winapi")
    windows.NeedCurrentDirectoryForExePath = lambda _name: False
    shutil.__dict__["_winapi"] = windows
    subprocess.__dict__["_USE_POSIX_SPAWN"] = False
    sys.meta_path.insert(0, _Nowhere())
    sys.platform = "win32"


class _Nowhere:
    """Where what Windows has not is looked for first."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name in _MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _load_what_vaultpy_stands_on() -> None:
    """Import all of it as it is here, and vaultpy too, but forget that again."""
    sysconfig.get_config_vars()
    import vaultpy

    for found in pkgutil.walk_packages(vaultpy.__path__, "vaultpy."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "vaultpy"]:
        del sys.modules[name]
