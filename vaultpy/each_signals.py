"""What a signal means to `each`: all commands are asked to end, then made to; or all pause, and go on."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from typing_extensions import Self

    from vaultpy.each_children import Children

_ENDS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
]
_GRACE_SECONDS = (10.0, 5.0)
"""How long the commands have after the first signal, and after SIGTERM."""


class Signals:
    """The signals that would end or stop us while the commands run, caught and handed on.

    For the main thread.
    """

    def __init__(
        self, children: Children, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`say` tells a person."""
        self.number = 0
        """The signal that ends the run; 0 while none does."""
        self._children = children
        self._say = say
        self._clock = clock
        self._caught: deque[int] = deque()
        self._outer: dict[int, object] = {}
        self._to_come = deque([signal.SIGTERM, signal.SIGKILL])
        self._deadline: float | None = None

    def __enter__(self) -> Self:
        for number in (*_ENDS, signal.SIGTSTP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
                self._outer[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._children.end(signal.SIGKILL)
        for number, handler in self._outer.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal has returned

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._caught.append(number)

    def look(self) -> bool:
        """Do what the signals want that have come meanwhile; tell whether the run is being ended."""
        while self._caught:
            number = self._caught.popleft()
            if number == signal.SIGTSTP:
                self._stop()
            elif not self.number:
                self._begin(number)
            else:
                self._press()
        if self._deadline is not None and self._clock() >= self._deadline:
            self._press()
        return self._deadline is not None

    def interrupt(self) -> None:
        """Take a Ctrl-C that came while somebody else listened."""
        self._caught.append(signal.SIGINT)

    def give_up(self) -> None:
        """End the run without a signal that wants it; where it is being ended already, leave it at that."""
        if self._deadline is None:
            self._children.end(self._to_come.popleft())
            self._deadline = self._clock() + _GRACE_SECONDS[1]

    def _begin(self, number: int) -> None:
        self.number = number
        self._deadline = self._clock() + _GRACE_SECONDS[0]
        if count := self._children.count:
            self._say(f"ending {count} command{'s' * (count > 1)}; once more makes haste")
        self._children.end(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

    def _press(self) -> None:
        """Send the next stronger signal."""
        if self._to_come:
            self._children.signal(self._to_come.popleft())
        self._deadline = self._clock() + _GRACE_SECONDS[1]

    def _stop(self) -> None:
        """Stop with all commands, which Ctrl-Z does not reach, until we go on."""
        self._children.signal(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        self._children.signal(signal.SIGCONT)
