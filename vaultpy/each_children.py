"""The commands of `each`: started side by side, each in a session of its own, read, and ended together.

A session of its own has no terminal: none of two hundred commands can ask a person, or take what is typed.
And it can be ended as a whole, with whatever the command has started.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from vaultpy.environment import uncoerced
from vaultpy.fanout import StoppedError
from vaultpy.launch import start

if TYPE_CHECKING:
    from collections.abc import Callable

STDOUT, STDERR = 1, 2

_CHUNK = 65536  # bytes
# Only where the command has ended and something that it left behind holds its output open: how long that
# may write nothing, and how long it is listened to at most.
_LOOK_SECONDS = 0.25
_LEFT_BEHIND_SECONDS = 1.0


class Children:
    """The commands that run; every method may be called on any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = threading.RLock()
        self._alive: set[int] = set()
        self._ending = threading.Event()

    def run(
        self, path: str, command: list[str], environ: dict[str, str], take: Callable[[int, bytes], None]
    ) -> int:
        """Run `command`, whose file is `path`, to its end; return its exit status, 128+n for signal n.

        It reads nothing; `take` gets what it writes, with the stream's number. Raises CommandNotExecutable,
        StoppedError where all are being ended already, and what `take` raises.
        """
        with self._turn:
            if self._ending.is_set():
                raise StoppedError
            child = start(_spawn, path, command, uncoerced(environ))
            self._alive.add(child.pid)
        try:
            with child:
                try:
                    _read(child, take, self._clock)
                except BaseException:
                    _signal(child.pid, signal.SIGTERM)
                    raise
        finally:
            if self._ending.is_set():
                _signal(child.pid, signal.SIGKILL)  # what it has left behind
            with self._turn:
                self._alive.discard(child.pid)
        status = child.returncode
        return status if status >= 0 else 128 - status

    def end(self, number: int) -> None:
        """Send the signal to all that runs, and start nothing any more."""
        with self._turn:
            self._ending.set()
        self.signal(number)

    def signal(self, number: int) -> None:
        """Send the signal to all that runs."""
        with self._turn:
            for child in self._alive:
                _signal(child, number)

    @property
    def count(self) -> int:
        """How many run."""
        with self._turn:
            return len(self._alive)


def _spawn(path: str, command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        executable=path,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _read(
    child: subprocess.Popen[bytes], take: Callable[[int, bytes], None], clock: Callable[[], float]
) -> None:
    """Hand over what the child writes, until its end; what outlives it is not waited for."""
    deadline = None
    with selectors.DefaultSelector() as selector:
        for stream, number in ((child.stdout, STDOUT), (child.stderr, STDERR)):
            if stream is not None:
                selector.register(stream.fileno(), selectors.EVENT_READ, number)
        while selector.get_map():
            ready = selector.select(_LOOK_SECONDS)
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK)
                if data:
                    take(key.data, data)
                else:
                    selector.unregister(key.fd)
            if child.poll() is None:
                continue
            if deadline is None:
                deadline = clock() + _LEFT_BEHIND_SECONDS
            if not ready or clock() >= deadline:
                for key in selector.get_map().values():
                    _read_rest(key.fd, lambda data, stream=key.data: take(stream, data))  # type: ignore[misc]
                return


def _read_rest(file: int, take: Callable[[bytes], None]) -> None:
    """Hand over what lies in the pipe by now, and nothing that comes after it."""
    import fcntl
    import termios

    left = int.from_bytes(fcntl.ioctl(file, termios.FIONREAD, bytes(4)), sys.byteorder)
    while left:
        data = os.read(file, min(left, _CHUNK))
        left -= len(data)
        take(data)


def _signal(child: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended, or runs as another user, as sudo does
        os.killpg(child, number)
