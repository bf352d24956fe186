"""The voice: errors, hints, questions and what is waited for.

Every line begins `vaultpy: `, in lower case, without a full stop; an error is two: `error:` and `hint:`.
Talk goes to the controlling terminal where there is one, so that it is seen also when the output of the
command around us is captured; else to stderr, and what asks for a person's action to the desktop too. stdout
belongs to the child and to what machines read. Text from files, cards and networks is escaped before it is
shown. A background job never reads the terminal, nor does a run that does not listen.
At a terminal lines are folded between words; what may be a command, in a hint, a warning or a note, is left
to the terminal to wrap: it can so be copied whole.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from vaultpy.controlling_terminal import ControllingTerminal, columns_of
from vaultpy.countdown import Countdown
from vaultpy.text import fold, has_control_sequences, printable, wants_colour
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vaultpy.errors import VaultpyError

    Notifier = Callable[[str, float, Mapping[str, str]], Callable[[], None]]

# Of the eight colours red and magenta are those that can be read on a dark and on a light background.
BOLD, RED, MAGENTA = (f"\x1b[{codes}m" for codes in ("1", "1;31", "1;35"))
PLAIN = "\x1b[0m"
_TICK_SECONDS = 0.25
_COLUMNS = 80


def _notify(text: str, seconds: float, environ: Mapping[str, str]) -> Callable[[], None]:
    """Show `text` on the desktop, for `seconds`; returns what ends that."""
    from vaultpy.notifications import notify

    return notify(text, seconds, environ)


class Terminal:
    """One run's conversation with its user."""

    def __init__(  # noqa: PLR0913  # what it speaks through, and how
        self,
        environ: Mapping[str, str],
        stderr: TextIO | None = None,
        tty_path: str = "/dev/tty",
        clock: Callable[[], float] = time.monotonic,
        *,
        listens: bool = True,
        notify: Notifier = _notify,
    ) -> None:
        """Nothing is opened yet; `tty_path` is opened when first talked to.

        One that does not listen says everything, but asks nothing and reads nothing that is typed. `notify`
        shows a text on the desktop for some seconds and returns what ends that.
        """
        self._environ = environ
        self._stderr = stderr or sys.stderr
        self._tty_path = tty_path
        self._clock = clock
        self.listens = listens
        self._notify = notify
        self._debugs = False
        self._alive: Countdown | None = None
        self._end_notice: Callable[[], None] = lambda: None

    # ---- saying --------------------------------------------------------------------------------------

    def error(self, error: VaultpyError) -> None:
        """Say what happened and what to do, on stderr, where what another thread waits for stood."""
        if self._alive is not None:
            self._alive.clear()
            self._end_notice()
        self._say_on_stderr("error", RED, error.message)
        self._say_on_stderr("hint", BOLD, error.hint)

    def warn(self, text: str) -> None:
        """Say what the user should know although it worked, on stderr, if anybody listens there."""
        with suppress(OSError):
            self._say_on_stderr("warning", MAGENTA, text)

    def debug(self, text: str) -> None:
        """Say a line of what `--debug` shows, on stderr."""
        self._debugs = True
        self._say_on_stderr("debug", "", text)

    def debug_traceback(self, error: BaseException) -> None:
        """Show where an error comes from, if `--debug` is on."""
        if self._debugs:
            for line in "".join(traceback.format_exception(error)).splitlines():
                self._say_on_stderr("debug", "", line)

    def _say_on_stderr(self, kind: str, style: str, text: str) -> None:
        coloured = style and wants_colour(self._environ) and self._stderr.isatty()
        first, *others = fold(
            printable(text), self._room(self._stderr), f"vaultpy: {kind}: ", copied=kind != "error"
        )
        if coloured:
            first = first.replace(f"{kind}:", f"{style}{kind}:{PLAIN}", 1)
        print(first, *others, sep="\n", file=self._stderr, flush=True)

    def note(self, text: str) -> None:
        """Say what goes on, where a person sees it."""
        lines = fold(printable(text), self._room(self._tty or self._stderr), "vaultpy: ", copied=True)
        self._write("\n".join(lines) + "\n")

    def break_in(self, text: str, seconds: float) -> None:
        """Say `text` below what another program shows; without a terminal on the desktop too, so long."""
        self.show("")
        self.note(text)
        if self._tty is None:
            self._notify(text, seconds, self._environ)

    def show(self, text: str, *, label: str = "", style: str = "") -> None:
        """Show a line without `vaultpy: ` where a person sees it; `style` is the label's, else the line's."""
        seen = self._tty or self._stderr
        lines = [printable(label)] if label else fold(printable(text), self._room(seen))
        styled, rest = "\n".join(lines), printable(text if label else "")
        coloured = style and seen.isatty() and wants_colour(self._environ)
        self._write(f"{style}{styled}{PLAIN}{rest}\n" if coloured else f"{styled}{rest}\n")

    @property
    def columns(self) -> int:
        """The width of the window; 80 where there is none."""
        return self._tty.columns() if self._tty is not None else _COLUMNS

    def _room(self, seen: ControllingTerminal | TextIO) -> int:
        """Return how long a line may be there; who reads lines, as a screen reader does, gets them whole."""
        with suppress(OSError):  # its window is closed
            if seen.isatty() and has_control_sequences(self._environ):
                return columns_of(seen.fileno())
        return sys.maxsize

    def _write(self, text: str) -> None:
        """Write it; where nobody listens any more, that is no reason to fail what they wait for."""
        with suppress(OSError):
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

    # ---- asking --------------------------------------------------------------------------------------

    def can_ask(self) -> bool:
        """Tell whether we listen, there is a terminal, and we are its foreground job."""
        return self._listening() is not None

    def detach(self) -> None:
        """Keep others in this process from reading the terminal or stdin; we still talk to it."""
        if self._tty is not None:
            self._tty.let_go()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)

    def _listening(self) -> ControllingTerminal | None:
        return self._tty if self.listens and self._tty is not None and self._tty.is_ours() else None

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
        """Say what is waited for, with the seconds left.

        It is bold, and six digits may be typed instead, if `typing`; without a terminal it is then shown on
        the desktop too. `entered` is called for each Enter; what that answers needs a terminal anyway.
        """
        self.show(f"vaultpy: {text}", style=BOLD if typing else "")
        tty = self._listening() if typing else None
        countdown = Countdown(
            self._clock() + seconds,
            self._clock,
            screen=self._tty,
            keys=tty,
            live=has_control_sequences(self._environ),
            entered=entered,
        )
        with ExitStack() as stack:
            if typing and self._tty is None and entered is None:
                self._end_notice = self._notify(text, seconds, self._environ)
                stack.callback(self._end_notice)
            if tty is not None:
                stack.enter_context(tty.typing(echo=False, lines=False))
            stack.callback(self._end, countdown)
            self._alive = countdown
            yield countdown

    def _end(self, countdown: Countdown) -> None:
        self._alive = None
        countdown.clear()
