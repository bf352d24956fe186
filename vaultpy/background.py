"""A blocking call on a thread of its own, so that whoever waits for it can be told, and can give up."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Waiting(Protocol):
        """A person who is told what is waited for, and may type a code instead."""

        def pause(self, seconds: float, wake: socket.socket | None) -> str | None:
            """Wait until `wake` is readable, at most `seconds`; return six digits once they are typed."""


T = TypeVar("T")


class Task(Generic[T]):
    """One call on a daemon thread; abandoned by simply forgetting it."""

    def __init__(self, work: Callable[[], T]) -> None:
        """Start `work` at once."""
        self._work = work
        self._outcome: list[T] = []
        self._failure: BaseException | None = None
        self.done, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome.append(self._work())
        except BaseException as failure:  # noqa: BLE001  # raised again by result, on the caller's thread
            self._failure = failure
        finally:
            self._end.close()

    def finished(self, seconds: float) -> bool:
        """Wait at most `seconds` for the end; tell whether it has come."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> T:
        """Return what the call returned, or raise what it raised; waits for its end."""
        self._thread.join()
        self.done.close()
        if self._failure is not None:
            raise self._failure
        return self._outcome[0]
