"""The voice: errors, hints, questions and what is waited for.

Every line begins `vaultpy: `, in lower case, without a full stop; an error is two: `error:` and `hint:`.
Talk goes to the controlling terminal where there is one, so that it is seen also when the output of the
command around us is captured; else to stderr. stdout belongs to the child and to what machines read. Text
from files, cards and networks is escaped before it is shown. A background job never reads the terminal.
"""

from __future__ import annotations

import select
import sys
import time
import traceback
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from vaultpy.controlling_terminal import ControllingTerminal
from vaultpy.errors import VaultpyError, printable
from vaultpy.values import Secret

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

BOLD, RED, GREEN, YELLOW, CYAN = (f"\x1b[{code}m" for code in (1, 31, 32, 33, 36))
_PLAIN = "\x1b[0m"
_CLEAR_LINE = "\r\x1b[K"
_CODE_LENGTH = 6
_BACKSPACES = "\x7f\x08"
_ENTER = "\r\n"
_TICK_SECONDS = 0.25
_COLUMNS = 80


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
        self._debugs = False

    # ---- saying --------------------------------------------------------------------------------------

    def error(self, error: VaultpyError) -> None:
        """Say what happened and what to do, on stderr."""
        self._say_on_stderr("error", RED, error.message)
        self._say_on_stderr("hint", CYAN, error.hint)

    def warn(self, text: str) -> None:
        """Say what the user should know although it worked, on stderr."""
        self._say_on_stderr("warning", YELLOW, text)

    def debug(self, text: str) -> None:
        """Say a line of what `--debug` shows, on stderr."""
        self._debugs = True
        self._say_on_stderr("debug", CYAN, text)

    def debug_traceback(self, error: BaseException) -> None:
        """Show where an error comes from, if `--debug` is on."""
        if self._debugs:
            for line in "".join(traceback.format_exception(error)).splitlines():
                self._say_on_stderr("debug", CYAN, line)

    def _say_on_stderr(self, kind: str, colour: str, text: str) -> None:
        label = f"{colour}{kind}:{_PLAIN}" if self._stderr.isatty() and self._wants_colour else f"{kind}:"
        print(f"vaultpy: {label} {printable(text)}", file=self._stderr, flush=True)

    def note(self, text: str) -> None:
        """Say what goes on, where a person sees it."""
        self._write(f"vaultpy: {printable(text)}\n")

    def show(self, text: str, *, label: str = "", style: str = "") -> None:
        """Show a line without `vaultpy: ` where a person sees it; `style` is the label's, else the line's."""
        styled, rest = printable(label or text), printable(text if label else "")
        coloured = style and self._wants_colour and (self._tty is not None or self._stderr.isatty())
        self._write(f"{style}{styled}{_PLAIN}{rest}\n" if coloured else f"{styled}{rest}\n")

    @property
    def columns(self) -> int:
        """The width of the window; 80 where there is none."""
        return self._tty.columns() if self._tty is not None else _COLUMNS

    def _write(self, text: str) -> None:
        if self._tty is not None:
            self._tty.write(text)
        else:
            self._stderr.write(text)
            self._stderr.flush()

    @cached_property
    def _tty(self) -> ControllingTerminal | None:
        try:
            return ControllingTerminal(self._tty_path)
        except OSError:
            return None

    @property
    def _has_control_sequences(self) -> bool:
        return self._environ.get("TERM", "dumb") != "dumb"

    @property
    def _wants_colour(self) -> bool:
        return self._has_control_sequences and "NO_COLOR" not in self._environ

    # ---- asking --------------------------------------------------------------------------------------

    def can_ask(self) -> bool:
        """Tell whether there is a terminal, and we are its foreground job."""
        return self._listening() is not None

    def _listening(self) -> ControllingTerminal | None:
        return self._tty if self._tty is not None and self._tty.is_ours() else None

    def ask(self, question: str, otherwise: VaultpyError) -> str:
        """Return the line that is typed, without spaces around it; raises `otherwise` without a terminal."""
        tty = self._listening()
        if tty is None:
            raise otherwise
        tty.write(f"vaultpy: {printable(question)}: ")
        return tty.read_line().strip()

    def secret(self, question: str, otherwise: VaultpyError) -> Secret:
        """Return the line that is typed, unseen; raises `otherwise` without a terminal."""
        tty = self._listening()
        if tty is None:
            raise otherwise
        with tty.typing(echo=False, lines=True):
            tty.write(f"vaultpy: {printable(question)} (not shown): ")
            typed = tty.read_line()
        tty.write("\n")
        return Secret(typed.rstrip("\r\n"))

    def confirm(self, question: str) -> bool:
        """Return whether the answer is yes; without a terminal it is no."""
        tty = self._listening()
        if tty is None:
            return False
        tty.write(f"vaultpy: {printable(question)} [y/N] ")
        return tty.read_line().strip().lower() in {"y", "yes"}

    # ---- waiting -------------------------------------------------------------------------------------

    def wait(self, text: str, seconds: float) -> None:
        """Say what is waited for, and wait that long."""
        deadline = self._clock() + seconds
        with self.waiting(text, seconds, typing=False) as countdown:
            while (left := deadline - self._clock()) > 0:
                countdown.pause(min(left, _TICK_SECONDS), None)

    @contextmanager
    def waiting(
        self,
        text: str,
        seconds: float,
        *,
        typing: bool = True,
        entered: Callable[[], None] | None = None,
    ) -> Iterator[Countdown]:
        """Say what is waited for, with the seconds left; six digits may be typed instead if `typing`.

        `entered` is called for each Enter.
        """
        self.note(text)
        tty = self._listening() if typing else None
        live = self._write if self._tty is not None and self._has_control_sequences else None
        countdown = Countdown(self._clock() + seconds, self._clock, tty, live, entered)
        with ExitStack() as stack:
            if tty is not None:
                stack.enter_context(tty.typing(echo=False, lines=False))
            stack.callback(countdown.clear)
            yield countdown


class Countdown:
    """The live line under what is waited for."""

    def __init__(
        self,
        deadline: float,
        clock: Callable[[], float],
        tty: ControllingTerminal | None,
        write: Callable[[str], None] | None,
        entered: Callable[[], None] | None = None,
    ) -> None:
        """Listen at `tty`, write to `write`, call `entered` for each Enter; None for neither."""
        self._deadline = deadline
        self._clock = clock
        self._tty = tty
        self._write = write
        self._entered = entered
        self._digits = ""
        self._shown = ""

    def pause(self, seconds: float, wake: socket.socket | None) -> str | None:
        """Wait until `wake` is readable, at most `seconds`; return six digits as soon as they are typed."""
        self._show()
        for key in self._keys(seconds, wake):
            if key in _BACKSPACES:
                self._digits = self._digits[:-1]
            elif key.isdigit():
                self._digits += key
            elif key in _ENTER and self._entered is not None:
                self._entered()
            if len(self._digits) == _CODE_LENGTH:
                return self._digits
        return None

    def _keys(self, seconds: float, wake: socket.socket | None) -> str:
        if self._tty is not None:
            return self._tty.read_keys(seconds, wake)
        if wake is not None:
            select.select([wake], [], [], seconds)
        else:
            time.sleep(seconds)
        return ""

    def _show(self) -> None:
        left = max(0, round(self._deadline - self._clock()))
        invitation = f", or type the six digits: {self._digits}" if self._tty is not None else ""
        line = f"vaultpy: {left:2} s left{invitation}"
        if self._write is not None and line != self._shown:
            self._shown = line
            self._write(_CLEAR_LINE + line)

    def clear(self) -> None:
        """Take the live line away."""
        if self._write is not None and self._shown:
            self._shown = ""
            self._write(_CLEAR_LINE)
