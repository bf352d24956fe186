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

POLL_SECONDS = 0.25


class Task(Generic[T]):
    """One call on a daemon thread. It ends with `result` or `abandon`."""

    def __init__(self, work: Callable[[], T]) -> None:
        """Start `work` at once; `done` becomes readable when it ends."""
        self._work = work
        self._outcome: list[T] = []
        self._failure: BaseException | None = None
        self._dispose: Callable[[T], object] | None = None
        self._turn = threading.Lock()
        self.done, self._end = socket.socketpair()
        self._ended = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            outcome = self._work()
        except BaseException as failure:  # noqa: BLE001  # raised again by result, on the caller's thread
            self._failure = failure
        else:
            with self._turn:
                self._outcome.append(outcome)
                dispose = self._dispose
            if dispose is not None:
                dispose(outcome)
        finally:
            self._ended.set()
            self._end.close()

    def finished(self, seconds: float) -> bool:
        """Wait at most `seconds` for the end; tell whether it has come."""
        return self._ended.wait(seconds)

    def result(self) -> T:
        """Return what the call returned, or raise what it raised; waits for its end."""
        self._ended.wait()
        self.done.close()
        if self._failure is not None:
            raise self._failure
        return self._outcome[0]

    def abandon(self, dispose: Callable[[T], object]) -> None:
        """Wait no longer: `dispose` gets what the call returns, now or whenever it ends."""
        self.done.close()
        with self._turn:
            self._dispose = dispose
            returned = list(self._outcome)
        for outcome in returned:
            dispose(outcome)


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns; raises what it raises, and TimeoutError where it takes longer."""
    task = Task(work)
    if not task.finished(seconds):
        task.abandon(lambda _: None)
        raise TimeoutError(f"no whole answer within {seconds:g} s")
    return task.result()


def typed_before_end(task: Task[T], waiting: Waiting, check: Callable[[], None]) -> str | None:
    """Wait for the end of `task`; return six digits if they are typed first, else None.

    `check` is called now and then, and may raise what makes the waiting useless.
    """
    while not task.finished(0):
        typed = waiting.pause(POLL_SECONDS, task.done)
        if typed is not None:
            return typed
        check()
    return None
