"""Undoing what was done when what follows fails; what cannot be undone is named with the command for it."""

from __future__ import annotations

import signal

from vaultpy.errors import VaultpyError
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Protocol

    from typing_extensions import Self

    class Person(Protocol):
        """Who is told what stays."""

        def warn(self, text: str) -> None: ...  # noqa: D102


_ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class SignalsInterrupt:
    """A block that SIGTERM and SIGHUP fail as Ctrl-C does; after it they end the process.

    Signals that are ignored, or that somebody else sees to, stay as they are. For the main thread.
    """

    def __init__(self) -> None:
        self._caught: list[signal.Signals] = []
        self._ended_by: int | None = None

    def __enter__(self) -> None:
        self._caught = [number for number in _ENDINGS if signal.getsignal(number) == signal.SIG_DFL]
        for number in self._caught:
            signal.signal(number, self._interrupt)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self._caught:
            signal.signal(number, signal.SIG_DFL)
        if self._ended_by is not None:
            signal.raise_signal(self._ended_by)

    def _interrupt(self, number: int, _frame: object) -> None:
        self._ended_by = number
        raise KeyboardInterrupt


class _Step(Value):
    __slots__ = ("last", "remedy", "undo", "what")
    undo: Callable[[], object]
    what: str
    remedy: str
    last: bool

    def __init__(self, undo: Callable[[], object], what: str, remedy: str, *, last: bool) -> None:
        self._set(undo=undo, what=what, remedy=remedy, last=last)


class Undoing:
    """Undoes in reverse order what was added, if its block fails, be it by Ctrl-C or a signal."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._steps: list[_Step] = []
        self._signals = SignalsInterrupt()

    def add(self, undo: Callable[[], object], what: str, remedy: str, *, else_all_stay: bool = False) -> None:
        """Note how to undo what comes next, to be called before it; `remedy` is the command for a person.

        `undo` may be called although nothing was done. With `else_all_stay` nothing that was added before is
        undone where this cannot be.
        """
        self._steps.append(_Step(undo, what, remedy, last=else_all_stay))

    def drop(self) -> None:
        """Forget the last one: it was not done."""
        self._steps.pop()

    def keep(self) -> None:
        """Forget all: what was done is whole."""
        self._steps.clear()

    def __enter__(self) -> Self:
        self._signals.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Undo after a failure, which is raised on; a problem on the way, or one more Ctrl-C, is told."""
        try:
            if kind is not None:
                self._undo()
        finally:
            self._signals.__exit__(kind, error, trace)

    def _undo(self) -> None:
        while self._steps:
            step = self._steps.pop()
            why = _problem(step)
            if why:
                self._name(step, why)
                while step.last and self._steps:
                    self._name(self._steps.pop(), "because of that")

    def _name(self, step: _Step, why: str) -> None:
        self._person.warn(f"{step.what} stays ({why}); to remove it: {step.remedy}")


def _problem(step: _Step) -> str:
    try:
        step.undo()
    except VaultpyError as problem:
        return problem.message
    except KeyboardInterrupt:
        return "interrupted"
    return ""
