"""The live line under what is waited for: the seconds left, and the digits that are typed meanwhile."""

from __future__ import annotations

import select
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from vaultpy.controlling_terminal import ControllingTerminal

_CLEAR_LINE = "\r\x1b[K"
_CODE_LENGTH = 6
_BACKSPACES = "\x7f\x08"
_ENTER = "\r\n"


class Countdown:
    """One wait, shown on one line that is never wrapped: what is written over must be all of it."""

    def __init__(  # noqa: PLR0913  # each a different matter
        self,
        deadline: float,
        clock: Callable[[], float],
        *,
        screen: ControllingTerminal | None,
        keys: ControllingTerminal | None,
        live: bool,
        entered: Callable[[], None] | None = None,
    ) -> None:
        """Show it on `screen`, listen at `keys`, call `entered` for each Enter; None for neither.

        Without `live`, the line is written once and never over: for terminals and screen readers that cannot.
        """
        self._deadline = deadline
        self._seconds = max(0, round(deadline - clock()))
        self._clock = clock
        self._screen = screen
        self._keys_from = keys
        self._live = live
        self._entered = entered
        self._digits = ""
        self._shown = ""

    def pause(self, seconds: float, wake: socket.socket | None) -> str | None:
        """Wait until `wake` is readable, at most `seconds`; return six digits as soon as they are typed."""
        with suppress(OSError):  # its window is closed, and a key can be touched all the same
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
        if self._keys_from is not None:
            return self._keys_from.read_keys(seconds, wake)
        if wake is not None:
            select.select([wake], [], [], seconds)
        else:
            time.sleep(seconds)
        return ""

    def _show(self) -> None:
        if self._screen is None:
            return
        line = self._line(self._screen.columns() - 1)
        if line == self._shown:
            return
        if self._live:
            self._screen.write(_CLEAR_LINE + line)
        elif line.startswith(self._shown):
            self._screen.write(line.removeprefix(self._shown))
        else:
            self._screen.write("\n" + line)
        self._shown = line

    def _line(self, room: int) -> str:
        if self._live:
            left = f"vaultpy: {max(0, round(self._deadline - self._clock())):2} s left"
        else:
            left = f"vaultpy: up to {self._seconds} s"
        if self._keys_from is None:
            line = left
        elif self._entered is not None:
            line = f"{left}: press Enter"
        else:
            line = f"{left}, or type the six digits: {self._digits}"
            if self._live and len(line) - len(self._digits) + _CODE_LENGTH > room:
                line = f"{left}: {self._digits}"
        return line[:room] if self._live else line

    def clear(self) -> None:
        """Take the live line away, or end the one that stays."""
        if self._screen is not None and self._shown:
            with suppress(OSError):
                self._screen.write(_CLEAR_LINE if self._live else "\n")
            self._shown = ""
