"""The demo's card reader: its one card is a pipe to the process that plays the YubiKey."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection

from vaultpy.errors import CardRemoved

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

READER = "Yubico YubiKey OTP+FIDO+CCID (simulated)"


class PipeConnection(SmartCardConnection):
    """One command and its answer at a time: each is a message, and the answer ends with its status word."""

    def __init__(self, pipe: Connection, turn: threading.Lock) -> None:
        self._pipe = pipe
        self._turn = turn

    @property
    def transport(self) -> TRANSPORT:
        """USB, as the reader's name says."""
        return TRANSPORT.USB

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Send one APDU and wait for its answer; raises CardRemoved when the demo has ended."""
        try:
            with self._turn:
                self._pipe.send_bytes(apdu)
                answer = self._pipe.recv_bytes()
        except (EOFError, OSError) as error:
            raise CardRemoved from error
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def close(self) -> None:
        """Leave the pipe open for the next connection."""


class PipeCards:
    """The readers that `YubiKeySearch` finds: one, with a card in it."""

    def __init__(self, pipe: Connection) -> None:
        """`pipe` leads to what answers APDUs."""
        self._pipe = pipe
        self._turn = threading.Lock()

    def readers(self) -> list[str]:
        """Return the one reader."""
        return [READER]

    def empty_readers(self) -> list[str]:
        """Return none."""
        return []

    def open(self, reader: str) -> PipeConnection:
        """Connect to the card; all connections share the pipe, and take turns."""
        del reader
        return PipeConnection(self._pipe, self._turn)
