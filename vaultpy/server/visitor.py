"""A connection that was accepted: what it sent so far, and what it still has to be sent."""

from __future__ import annotations

import selectors
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Take = Callable[[bytes], bytes | None]
    """Takes what a visitor sent, part by part; returns the reply once it is due."""

_RECEIVED_AT_ONCE = 16 * 1024
_THROWN_AWAY = 64 * 1024


class Visitor:
    """One request on one connection. Its socket never blocks; `since` is when it came."""

    def __init__(self, connection: socket.socket, take: Take, since: float) -> None:
        """Hand what comes to `take`, until that returns the reply."""
        connection.settimeout(0)
        self.connection = connection
        self.since = since
        self._take = take
        self._reply = memoryview(b"")
        self._has_replied = False
        self._thrown_away = 0

    @property
    def waits_for(self) -> int:
        """The event, in the words of `selectors`, for which `go_on` is to be called."""
        return selectors.EVENT_WRITE if self._reply else selectors.EVENT_READ

    def go_on(self) -> bool:
        """Receive or send what is possible now; tell whether there is more to do. Raises OSError."""
        try:
            if self._reply:
                return self._send()
            return self._throw_away() if self._has_replied else self._receive()
        except BlockingIOError:
            return True

    def _receive(self) -> bool:
        data = self.connection.recv(_RECEIVED_AT_ONCE)
        if not data:
            return False
        reply = self._take(data)
        if reply is None:
            return True
        self._reply = memoryview(reply)
        return self._send()

    def _send(self) -> bool:
        self._reply = self._reply[self.connection.send(self._reply) :]
        if not self._reply:
            self._has_replied = True
            self.connection.shutdown(socket.SHUT_WR)
        return True

    def _throw_away(self) -> bool:
        """Read on after the reply: a connection closed with bytes unread is reset, and the reply lost."""
        data = self.connection.recv(_RECEIVED_AT_ONCE)
        self._thrown_away += len(data)
        return bool(data) and self._thrown_away < _THROWN_AWAY
