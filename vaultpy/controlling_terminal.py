"""The controlling terminal itself: what is written to it, what is typed at it, and how it treats typing."""

from __future__ import annotations

import os
import select
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

_COLUMNS = 80
_KEYS_AT_ONCE = 64
_ENDS_AND_STOPS = [
    getattr(signal, name)
    for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP")
    if hasattr(signal, name)  # Windows has few of them
]


def columns_of(terminal: int) -> int:
    """Return the width of the window of the terminal with that descriptor; 80 where it does not tell."""
    return os.get_terminal_size(terminal).columns or _COLUMNS


class ControllingTerminal:
    """The terminal at `path`, of this process's session."""

    def __init__(self, path: str = "/dev/tty") -> None:
        """Open it; raises OSError where there is none."""
        self._file = os.open(path, os.O_RDWR | getattr(os, "O_NOCTTY", 0))

    def write(self, text: str) -> None:
        """Write all of `text`."""
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._file, data) :]

    def is_ours(self) -> bool:
        """Tell whether we are its foreground job: others must not read it or change how it treats typing."""
        try:
            return os.tcgetpgrp(self._file) == os.getpgrp()
        except OSError:
            return False

    def let_go(self) -> None:
        """Be no longer the terminal by which this process is controlled; it can still be written to."""
        import fcntl
        import termios

        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what whoever began the session gets for it
        try:
            fcntl.ioctl(self._file, termios.TIOCNOTTY)
        except OSError:  # it has let go before
            return
        finally:
            signal.signal(signal.SIGHUP, before)

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._file

    def isatty(self) -> bool:
        """Tell that it is one, as a stream would."""
        return True

    def columns(self) -> int:
        """Return the width of its window; 80 where it does not tell."""
        return columns_of(self._file)

    def read_line(self) -> str:
        """Read one line, byte by byte, so that what is typed behind it is left for the child."""
        line = bytearray()
        while not line.endswith(b"\n"):
            byte = os.read(self._file, 1)
            if not byte:
                break
            line += byte
        return line.decode("utf-8", "replace")

    def read_keys(self, seconds: float, wake: socket.socket | None) -> str:
        """Return the keys that are typed until `wake` is readable, or `seconds` have passed."""
        sources: list[int | socket.socket] = [] if wake is None else [wake]
        if self.is_ours():  # no longer, after Ctrl-Z and `bg`
            sources.append(self._file)
        readable, _, _ = select.select(sources, [], [], seconds)
        return os.read(self._file, _KEYS_AT_ONCE).decode("ascii", "ignore") if self._file in readable else ""

    @contextmanager
    def typing(self, *, echo: bool, lines: bool) -> Iterator[None]:
        """Show what is typed or not, hand it over by lines or at once; put both back, whatever the end is.

        A shell gives us the terminal back as it likes it after a Ctrl-Z and `fg`: then it is set anew.
        """
        import termios

        before = termios.tcgetattr(self._file)
        now = termios.tcgetattr(self._file)
        for flag, wanted in ((termios.ECHO, echo), (termios.ICANON, lines)):
            now[3] = now[3] | flag if wanted else now[3] & ~flag

        def set_to(wanted: Any) -> None:  # noqa: ANN401  # termios has no name for what it takes
            if self.is_ours():  # a job in the background would be stopped for it
                termios.tcsetattr(self._file, termios.TCSADRAIN, wanted)

        def let_it_happen(number: int, _frame: object) -> None:
            set_to(before)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            signal.signal(number, let_it_happen)  # we are here again after a stop alone
            set_to(now)

        caught = [number for number in _ENDS_AND_STOPS if signal.getsignal(number) == signal.SIG_DFL]
        for number in caught:
            signal.signal(number, let_it_happen)
        try:
            set_to(now)
            yield
        finally:
            set_to(before)
            for number in caught:
                signal.signal(number, signal.SIG_DFL)
