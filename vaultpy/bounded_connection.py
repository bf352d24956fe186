"""A connection to a card that comes to an end, whatever the card does."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from yubikit.core.smartcard import SmartCardConnection

from vaultpy import errors

if TYPE_CHECKING:
    from yubikit.core import TRANSPORT

_VALIDATE, _SELECT = 0xA3, 0xA4
_DONE = 0x9000
_MOST_EXCHANGES = 200
_MOST_BYTES = 20_000


class BoundedConnection(SmartCardConnection):
    """A connection that comes to an end whatever the card does, and that can be closed at any time.

    64 accounts are listed in under 5000 bytes: a card that goes on answering for more than the limits here is
    out of order. Closed while a command waits for a touch, it closes the connection behind it when that ends.
    An application that was unlocked is selected again before that, which locks it: the card is left as it is,
    and the next program could else go on without the OATH password.
    """

    def __init__(self, connection: SmartCardConnection) -> None:
        """Take over `connection`, closing it included."""
        self._connection = connection
        self._turn = threading.Lock()
        self._talking = False
        self._closed = False
        self._exchanges = self._bytes = 0
        self._selecting = self._lock_by = b""

    @property
    def transport(self) -> TRANSPORT:
        """The transport behind."""
        return self._connection.transport

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Send `apdu`; raises YubiKeyFailed when the card has said too much."""
        self._begin()
        try:
            data, status = self._connection.send_and_receive(apdu)
            self._remember(apdu, status)
        finally:
            self._end()
        self._exchanges += 1
        self._bytes += len(data)
        if self._exchanges > _MOST_EXCHANGES or self._bytes > _MOST_BYTES:
            raise errors.YubiKeyFailed(reason="it does not come to an end")
        return data, status

    def _begin(self) -> None:
        with self._turn:
            if self._closed:
                raise errors.CardRemoved
            self._talking = True

    def _end(self) -> None:
        with self._turn:
            self._talking = False
            close_now = self._closed
        if close_now:
            self._leave()

    def close(self) -> None:
        """Close the connection: now, or when the command under way ends, but never wait for that."""
        with self._turn:
            now = not self._talking and not self._closed
            self._closed = True
        if now:
            self._leave()

    def _remember(self, apdu: bytes, status: int) -> None:
        """Remember how to lock what this unlocks."""
        if apdu[1] == _SELECT:
            self._selecting, self._lock_by = apdu, b""
        elif apdu[1] == _VALIDATE and status == _DONE:
            self._lock_by = self._selecting

    def _leave(self) -> None:
        try:
            if self._lock_by:
                with suppress(errors.VaultpyError):  # a card that went is locked
                    self._connection.send_and_receive(self._lock_by)
        finally:
            self._connection.close()
