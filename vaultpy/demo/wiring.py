"""The wiring of the demo's child: that of a real run, but its card is a pipe and its finger the Enter key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.demo.pipe_cards import PipeCards
from vaultpy.questions import Questions
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection

    from vaultpy.background import Waiting
    from vaultpy.terminal import Terminal


class FingerQuestions(Questions):
    """The questions of a real run; Enter, while a touch is waited for, is the finger."""

    def __init__(self, wiring: Wiring, finger: Connection) -> None:
        """Take a pipe, `finger`, into which a byte is a touch."""
        super().__init__(wiring.terminal, wiring.index)
        self._voice = wiring.terminal
        self._finger = finger

    def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]:
        """Say what is waited for; hand each Enter on."""
        return self._voice.waiting(text, seconds, entered=lambda: self._finger.send_bytes(b"\n"))


class DemoWiring(Wiring):
    """The objects of a real run but for the card readers and the finger."""

    def __init__(
        self, environ: Mapping[str, str], terminal: Terminal, key: Connection, finger: Connection
    ) -> None:
        """`key` answers APDUs; a byte into `finger` touches it."""
        super().__init__(environ, terminal)
        self._cards = PipeCards(key)
        self.questions = FingerQuestions(self, finger)

    def cards(self) -> PipeCards:
        """Return the pipe."""
        return self._cards
