"""The voice: errors, hints, questions and what is waited for.

Every line begins `vaultpy: `, in lower case, without a full stop; an error is two: `error:` and `hint:`.
Talk goes to the controlling terminal where there is one, so that it is seen also when the output of the
command around us is captured; else to stderr. stdout belongs to the child and to what machines read. Text
from files, cards and networks is escaped before it is shown. A background job never reads the terminal.
"""

from __future__ import annotations

import os
import select
import sys
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from vaultpy.errors import VaultpyError, printable
from vaultpy.values import Secret

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

_RED, _CYAN, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[36m", "\x1b[33m", "\x1b[0m"
_CLEAR_LINE = "\r\x1b[K"
_CODE_LENGTH = 6
_BACKSPACES = "\x7f\x08"


class Terminal:
    """One run's conversation with its user."""

    def __init__(
        self,
        environ: Mapping[str, str],
        stderr: TextIO | None = None,
        tty_path: str = "/dev/tty",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened yet; `tty_path` is opened when first talked to."""
        self._environ = environ
        self._stderr = stderr or sys.stderr
        self._tty_path = tty_path
        self._clock = clock
        self._tty_file: int | None = None
        self._tty_tried = False
        self._debugs = False

    # ---- saying --------------------------------------------------------------------------------------

    def error(self, error: VaultpyError) -> None:
        """Say what happened and what to do, on stderr."""
        self._say_on_stderr("error", _RED, error.message)
        self._say_on_stderr("hint", _CYAN, error.hint)

    def warn(self, text: str) -> None:
        """Say what the user should know although it worked, on stderr."""
        self._say_on_stderr("warning", _YELLOW, text)

    def debug(self, text: str) -> None:
        """Say a line of what `--debug` shows, on stderr."""
        self._debugs = True
        self._say_on_stderr("debug", _CYAN, text)

    def debug_traceback(self, error: BaseException) -> None:
        """Show where an error comes from, if `--debug` is on."""
        if self._debugs:
            for line in traceback.format_exception(error):
                for part in line.rstrip().splitlines():
                    self._say_on_stderr("debug", _CYAN, part)

    def _say_on_stderr(self, kind: str, colour: str, text: str) -> None:
        coloured = self._stderr.isatty() and self._has_control_sequences() and "NO_COLOR" not in self._environ
        label = f"{colour}{kind}:{_PLAIN}" if coloured else f"{kind}:"
        print(f"vaultpy: {label} {printable(text)}", file=self._stderr, flush=True)

    def note(self, text: str) -> None:
        """Say what goes on, where a person sees it."""
        self._write(f"vaultpy: {printable(text)}\n")

    def _write(self, text: str) -> None:
        tty = self._tty()
        if tty is not None:
            os.write(tty, text.encode("utf-8", "backslashreplace"))
        else:
            self._stderr.write(text)
            self._stderr.flush()

    def _tty(self) -> int | None:
        if not self._tty_tried:
            self._tty_tried = True
            try:
                self._tty_file = os.open(self._tty_path, os.O_RDWR | getattr(os, "O_NOCTTY", 0))
            except OSError:
                self._tty_file = None
        return self._tty_file

    def _has_control_sequences(self) -> bool:
        return self._environ.get("TERM", "dumb") != "dumb"

    # ---- asking --------------------------------------------------------------------------------------

    def can_ask(self) -> bool:
        """Tell whether there is a terminal, and we are its foreground job."""
        tty = self._tty()
        if tty is None:
            return False
        try:
            return os.tcgetpgrp(tty) == os.getpgrp()
        except OSError:
            return False

    def ask(self, question: str, otherwise: VaultpyError) -> str:
        """Return the line that is typed, without spaces around it; raises `otherwise` without a terminal."""
        if not self.can_ask():
            raise otherwise
        self._write(f"vaultpy: {printable(question)}: ")
        return self._line().strip()

    def secret(self, question: str, otherwise: VaultpyError) -> Secret:
        """Return the line that is typed, unseen; raises `otherwise` without a terminal."""
        if not self.can_ask():
            raise otherwise
        self._write(f"vaultpy: {printable(question)} (not shown): ")
        with self._typing(echo=False, lines=True):
            typed = self._line()
        self._write("\n")
        return Secret(typed.rstrip("\r\n"))

    def confirm(self, question: str) -> bool:
        """Return whether the answer is yes; without a terminal it is no."""
        if not self.can_ask():
            return False
        self._write(f"vaultpy: {printable(question)} [y/N] ")
        return self._line().strip().lower() in {"y", "yes"}

    def _line(self) -> str:
        """Read one line from the terminal, byte by byte, so that nothing behind it is lost to the child."""
        tty = self._tty()
        line = bytearray()
        while tty is not None and not line.endswith(b"\n"):
            byte = os.read(tty, 1)
            if not byte:
                break
            line += byte
        return line.decode("utf-8", "replace")

    @contextmanager
    def _typing(self, *, echo: bool, lines: bool) -> Iterator[None]:
        """Set how the terminal treats what is typed; put it back at the end, whatever the end is."""
        import termios

        tty = self._tty()
        if tty is None:
            yield
            return
        before = termios.tcgetattr(tty)
        now = termios.tcgetattr(tty)
        for flag, wanted in ((termios.ECHO, echo), (termios.ICANON, lines)):
            now[3] = now[3] | flag if wanted else now[3] & ~flag
        try:
            termios.tcsetattr(tty, termios.TCSADRAIN, now)
            yield
        finally:
            termios.tcsetattr(tty, termios.TCSADRAIN, before)

    # ---- waiting -------------------------------------------------------------------------------------

    def wait(self, text: str, seconds: float) -> None:
        """Say what is waited for, and wait that long."""
        deadline = self._clock() + seconds
        with self.waiting(text, seconds, typing=False) as countdown:
            while (left := deadline - self._clock()) > 0:
                countdown.pause(min(left, 0.25), None)

    @contextmanager
    def waiting(self, text: str, seconds: float, *, typing: bool = True) -> Iterator[Countdown]:
        """Say what is waited for, with the seconds left; six digits may be typed instead if `typing`."""
        self.note(text)
        listens = typing and self.can_ask()
        live = self._tty() is not None and self._has_control_sequences()
        countdown = Countdown(self, self._clock() + seconds, self._clock, listens=listens, live=live)
        try:
            if listens:
                with self._typing(echo=False, lines=False):
                    yield countdown
            else:
                yield countdown
        finally:
            countdown.clear()

    def read_keys(self, seconds: float, wake: socket.socket | None, *, listens: bool) -> str:
        """Wait for keys or for `wake`; return the keys that were typed."""
        tty = self._tty()
        sources: list[int | socket.socket] = [] if wake is None else [wake]
        if listens and tty is not None:
            sources.append(tty)
        if not sources:
            time.sleep(seconds)
            return ""
        readable, _, _ = select.select(sources, [], [], seconds)
        if tty is None or tty not in readable:
            return ""
        return os.read(tty, 64).decode("ascii", "ignore")


class Countdown:
    """The live line under what is waited for."""

    def __init__(
        self, terminal: Terminal, deadline: float, clock: Callable[[], float], *, listens: bool, live: bool
    ) -> None:
        self._terminal = terminal
        self._deadline = deadline
        self._clock = clock
        self._listens = listens
        self._live = live
        self._digits = ""
        self._shown = ""

    def pause(self, seconds: float, wake: socket.socket | None) -> str | None:
        """Wait until `wake` is readable, at most `seconds`; return six digits as soon as they are typed."""
        self._show()
        for key in self._terminal.read_keys(seconds, wake, listens=self._listens):
            if key in _BACKSPACES:
                self._digits = self._digits[:-1]
            elif key.isdigit():
                self._digits += key
            if len(self._digits) == _CODE_LENGTH:
                return self._digits
        return None

    def _show(self) -> None:
        if not self._live:
            return
        left = max(0, round(self._deadline - self._clock()))
        invitation = f", or type the six digits: {self._digits}" if self._listens else ""
        line = f"vaultpy: {left:2} s left{invitation}"
        if line != self._shown:
            self._shown = line
            self._terminal._write(_CLEAR_LINE + line)  # noqa: SLF001  # one room, two classes

    def clear(self) -> None:
        """Take the live line away."""
        if self._shown:
            self._shown = ""
            self._terminal._write(_CLEAR_LINE)  # noqa: SLF001  # one room, two classes
