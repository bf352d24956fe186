"""What the demo says: at each step what happens, what is simulated, and which command does it for real."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from vaultpy.terminal import BOLD, CYAN, GREEN, YELLOW

if TYPE_CHECKING:
    from vaultpy.simulated.aws import Call
    from vaultpy.terminal import Terminal

_INDENT = 3
_LABEL = 11
_WIDEST = 100
_COLOURS = {"simulated": YELLOW, "for real": GREEN, "next": GREEN, "AWS": CYAN, "vaultpy": CYAN}
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
        room = max(20, min(self._terminal.columns, _WIDEST) - _INDENT - _LABEL - 1)
        lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
        for number, line in enumerate(lines):
            shown = " " * (_INDENT + len(label)) if number else " " * _INDENT + label
            gap = " " * (_LABEL - len(label))
            self._terminal.show(gap + line, label=shown, style="" if number else _COLOURS[label])

    def tell_call(self, call: Call) -> None:
        """Say what AWS made of a request."""
        outcome = _VERIFIED.get(call.action, "answered")
        self.tell("AWS", f"{call.action}: {outcome if call.verdict == 'OK' else f'refused, {call.verdict}'}")
