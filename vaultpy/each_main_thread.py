"""What other threads have the main thread do: a person can be asked there alone, where signals arrive."""

from __future__ import annotations

import signal
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from vaultpy.fanout import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

R = TypeVar("R")

_LOOK_SECONDS = 0.25


class MainThread:
    """The main thread as others see it: it does their work when it calls `serve`."""

    def __init__(
        self, stopped: threading.Event, around: Callable[[], AbstractContextManager[object]]
    ) -> None:
        """Do all work in the context `around()`; once `stopped` is set, none is begun or waited for."""
        self._stopped = stopped
        self._around = around
        self._waiting: deque[_Work] = deque()

    def do(self, work: Callable[[], R]) -> R:
        """Return what `work` returns on the main thread; raises what it raises, and StoppedError."""
        if threading.current_thread() is threading.main_thread():
            with self._around():
                return work()
        waiting = _Work(work)
        self._waiting.append(waiting)
        while not waiting.ended.wait(_LOOK_SECONDS):
            if self._stopped.is_set():
                raise StoppedError
        result: R = waiting.result()
        return result

    def serve(self) -> bool:
        """Do what waits; for the main thread. Returns false where Ctrl-C ended it."""
        while self._waiting:
            work = self._waiting.popleft()
            try:
                with self._around(), _interruptible():
                    work.run()
            except KeyboardInterrupt:
                return False
        return True


class _Work:
    """One piece of work, and what became of it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._outcome: list[Any] = []
        self._failure: Exception | None = None
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            self._outcome.append(self._work())
        except Exception as failure:  # noqa: BLE001  # raised again by result, on the thread that waits
            self._failure = failure
        except KeyboardInterrupt:
            self._failure = StoppedError()
            raise
        finally:
            self.ended.set()

    def result(self) -> Any:  # noqa: ANN401  # whatever the work returns
        if self._failure is not None:
            raise self._failure
        return self._outcome[0]


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt what waits for a person, as it does elsewhere."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
