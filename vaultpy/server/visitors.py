"""All connections of the endpoint on one thread: places, time limits, and the end."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from typing import TYPE_CHECKING

from vaultpy.server.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.server.limits import Limits
    from vaultpy.server.visitor import Take

_PAUSE = 0.1
"""Seconds until the next attempt, where the system has no room for a further connection."""


class Visitors:
    """Serves whoever connects to `listener`, until it is told to stop.

    One thread is enough, and bounds by itself what a crowd costs: an answer takes a fraction of a
    millisecond, and waits for nothing.
    """

    def __init__(
        self, listener: socket.socket, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        listener.settimeout(0)
        self._listener = listener
        self._limits = limits
        self._clock = clock
        self._visitors: dict[Visitor, None] = {}  # in the order in which they came
        self._shut_until = 0.0
        self._stop, self._stopped = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stopped, selectors.EVENT_READ)

    def stop(self) -> None:
        """Make `serve` return, from another thread or before it began."""
        with contextlib.suppress(OSError):
            self._stop.shutdown(socket.SHUT_WR)

    def serve(self, exchange: Callable[[], Take]) -> None:
        """Serve, with an `exchange` for each visitor."""
        while self._turn(exchange):
            pass

    def close(self) -> None:
        """Drop all visitors, and hear no more of new ones."""
        for visitor in self._visitors:
            visitor.connection.close()
        self._visitors.clear()
        for one in (self._selector, self._listener, self._stop, self._stopped):
            one.close()

    def _turn(self, exchange: Callable[[], Take]) -> bool:
        """Do what there is to do; tell whether to go on."""
        now = self._clock()  # one for both: whether the door is shut, and for how long
        self._open_or_shut(now)
        for key, _ in self._selector.select(self._until_next(now)):
            if key.fileobj is self._stopped:
                return False
            if key.fileobj is self._listener:
                self._let_in(exchange)
            else:
                self._attend(key.data)
        self._drop_late(self._clock())
        return True

    def _open_or_shut(self, now: float) -> None:
        """Hear of new connections only while there is room for one; until then the system keeps them."""
        is_full, is_open = self._is_full(now), self._listener in self._selector.get_map()
        if is_full and is_open:
            self._selector.unregister(self._listener)
        elif not is_full and not is_open:
            self._selector.register(self._listener, selectors.EVENT_READ)

    def _is_full(self, now: float) -> bool:
        return len(self._visitors) >= self._limits.places or now < self._shut_until

    def _patience(self, now: float) -> float:
        return self._limits.crowded_seconds if self._is_full(now) else self._limits.seconds

    def _until_next(self, now: float) -> float | None:
        """Return the seconds until something is due, None where nothing will be."""
        due = [self._shut_until] if now < self._shut_until else []
        due += [visitor.since + self._patience(now) for visitor in list(self._visitors)[:1]]
        return max(0.0, min(due) - now) if due else None

    def _let_in(self, exchange: Callable[[], Take]) -> None:
        while len(self._visitors) < self._limits.places:
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:  # no file, no memory
                self._shut_until = self._clock() + _PAUSE
                return
            visitor = Visitor(connection, exchange(), self._clock())
            self._visitors[visitor] = None
            self._selector.register(connection, visitor.waits_for, visitor)

    def _attend(self, visitor: Visitor) -> None:
        try:
            stays = visitor.go_on()
        except Exception:  # noqa: BLE001  # whatever one visitor brings about ends with it
            stays = False
        if stays:
            self._selector.modify(visitor.connection, visitor.waits_for, visitor)
        else:
            self._drop(visitor)

    def _drop_late(self, now: float) -> None:
        """Drop those who came too long ago, whatever they sent since."""
        while self._visitors:
            first = next(iter(self._visitors))
            if now < first.since + self._patience(now):
                break
            self._drop(first)

    def _drop(self, visitor: Visitor) -> None:
        del self._visitors[visitor]
        self._selector.unregister(visitor.connection)
        visitor.connection.close()
