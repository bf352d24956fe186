"""Work that threads have done by the main thread."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from vaultpy.each_main_thread import MainThread
from vaultpy.fanout import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WITHIN = 20.0


def main_thread(stopped: threading.Event | None = None) -> MainThread:
    return MainThread(stopped or threading.Event(), nullcontext)


class Asking:
    """A thread that has work done."""

    def __init__(self, wanted: MainThread, work: Callable[[], object]) -> None:
        self._wanted, self._work = wanted, work
        self.found: list[object] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.found.append(self._wanted.do(self._work))
        except BaseException as failure:  # noqa: BLE001  # it is what a test looks at
            self.found.append(failure)

    def outcome(self) -> object:
        """Serve until it has come, and return it."""
        while not self.found:
            assert self._wanted.serve()
            self._thread.join(0.01)
        return self.found[0]


def test_the_main_thread_does_its_own_work_at_once_in_the_context() -> None:
    entered: list[str] = []

    @contextmanager
    def around() -> Iterator[None]:
        entered.append("in")
        yield
        entered.append("out")

    assert MainThread(threading.Event(), around).do(lambda: entered.append("work")) is None
    assert entered == ["in", "work", "out"]


def test_a_threads_work_is_done_by_the_main_thread() -> None:
    asking = Asking(main_thread(), threading.current_thread)
    assert asking.outcome() is threading.main_thread()


def test_what_the_work_raises_comes_to_the_thread_that_waits() -> None:
    def work() -> None:
        raise ZeroDivisionError

    assert isinstance(Asking(main_thread(), work).outcome(), ZeroDivisionError)


def test_ctrl_c_interrupts_the_work_and_is_told() -> None:
    wanted = main_thread()
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    began = threading.Event()

    def work() -> None:
        began.set()
        signal.raise_signal(signal.SIGINT)
        threading.Event().wait(WITHIN)

    try:
        asking = Asking(wanted, work)
        told = [True]
        while not began.is_set():
            told.append(wanted.serve())
    finally:
        signal.signal(signal.SIGINT, before)
    assert told[-1] is False
    asking._thread.join(WITHIN)
    assert isinstance(asking.found[0], StoppedError)
    assert caught == []


def test_once_all_is_stopped_nobody_waits_for_the_main_thread() -> None:
    stopped = threading.Event()
    asking = Asking(main_thread(stopped), lambda: None)
    stopped.set()
    asking._thread.join(WITHIN)
    assert isinstance(asking.found[0], StoppedError)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_afterwards_ctrl_c_is_whose_it_was(handler: signal.Handlers) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        Asking(main_thread(), lambda: None).outcome()
        assert signal.getsignal(signal.SIGINT) == handler
    finally:
        signal.signal(signal.SIGINT, before)
