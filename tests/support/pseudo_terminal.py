"""A command at a real pseudo-terminal of its own, as a user sits at it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_WITHIN = 30.0


class PseudoTerminal:
    """`command` runs in a session of its own, whose controlling terminal this is, until the context ends."""

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        *,
        size: tuple[int, int] = (30, 100),
        stdout: int | None = None,
    ) -> None:
        """`size` is rows and columns; `stdout`, if given, takes the command's output and errors away."""
        self.screen = ""
        self.status: int | None = None
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:  # pragma: no cover  # the child becomes the command
            try:
                if stdout is not None:
                    os.dup2(stdout, 1)
                    os.dup2(stdout, 2)
                os.execvpe(command[0], command, environment)  # noqa: S606  # there is nothing for a shell to do
            finally:
                os._exit(66)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def type(self, keys: str) -> None:
        """Press `keys`."""
        os.write(self._terminal, keys.encode())

    def close(self) -> None:
        """Close the window: the terminal is gone, and whoever has it is told by SIGHUP."""
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123  # its descriptor is all that is wanted
            os.dup2(nothing.fileno(), self._terminal)

    def expect(self, text: str, within: float = _WITHIN) -> str:
        """Wait until `text` has appeared, and return all that has; fails with that after `within` seconds."""
        deadline = time.monotonic() + within
        while text not in self.screen:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{text!r} did not appear in:\n{self.screen}")
        return self.screen

    def expect_echo(self, *, on: bool, within: float = _WITHIN) -> None:
        """Wait until the terminal shows what is typed, or does not; nothing tells of the change itself."""
        deadline = time.monotonic() + within
        while bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO) is not on:
            assert time.monotonic() < deadline, self.screen
            self._read(0.01)

    def wait(self, within: float = _WITHIN) -> int:
        """Wait for the command's end; return its exit status, negative for the signal that ended it."""
        deadline = time.monotonic() + within
        while self._read(deadline - time.monotonic()):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def _read(self, seconds: float) -> bool:
        """Take in what has come within `seconds`; false at the end, and when nothing came."""
        ready, _, _ = select.select([self._terminal], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # Linux's way to say that nobody has the other end open any more
            return False
        self.screen += data.decode(errors="replace")
        return bool(data)
