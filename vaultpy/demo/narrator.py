"""What the demo says: at each step what happens, what is simulated, and which command does it for real."""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING

from vaultpy.terminal import BOLD, MAGENTA

if TYPE_CHECKING:
    from vaultpy.simulated.aws import Call
    from vaultpy.terminal import Terminal

_INDENT = 3
_LABEL = 11
_WIDEST = 104
_STYLES = {"simulated": MAGENTA, "for real": BOLD, "next": BOLD}
_VERIFIED = {
    "GetCallerIdentity": "signed by alice",
    "ListMFADevices": "alice has one device",
    "GetSessionToken": "signature and code verified",
    "AssumeRole": "MFA proven; role dev for 1 hour",
}


class Narrator:
    """Speaks to the person at the terminal, never to stdout; lines are wrapped to the width of the window."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def title(self, text: str) -> None:
        """Say what begins."""
        self._terminal.show("")
        self._terminal.show(text, style=BOLD)

    def gap(self) -> None:
        """Set off what follows."""
        self._terminal.show("")

    def tell(self, label: str, text: str) -> None:
        """Say `text` behind `label`, both in their columns."""
        self._show(label, textwrap.wrap(text, self._room, break_long_words=False, break_on_hyphens=False))

    def tell_command(self, label: str, words: list[str]) -> None:
        """Say a command so that it can be copied: where it is wrapped, the shell goes on reading."""
        first, *others = map(shlex.quote, words)
        lines = [first]
        for word in others:
            if len(f"{lines[-1]} {word} \\") <= self._room:
                lines[-1] += f" {word}"
            else:
                lines[-1] += " \\"
                lines.append(f"  {word}")
        self._show(label, lines)

    def _show(self, label: str, lines: list[str]) -> None:
        for number, line in enumerate(lines):
            shown = " " * (_INDENT + len(label)) if number else " " * _INDENT + label
            gap = " " * (_LABEL - len(label))
            self._terminal.show(gap + line, label=shown, style="" if number else _STYLES.get(label, ""))

    @property
    def _room(self) -> int:
        return max(20, min(self._terminal.columns, _WIDEST) - _INDENT - _LABEL)

    def tell_call(self, call: Call) -> None:
        """Say what AWS made of a request."""
        outcome = _VERIFIED.get(call.action, "answered")
        self.tell("AWS", f"{call.action}: {outcome if call.verdict == 'OK' else f'refused, {call.verdict}'}")
