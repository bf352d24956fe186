"""The touch that a YubiKey's answer waits for: noticed by waiting, and asked for with a purpose."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from vaultpy import errors
from vaultpy.background import Task, typed_before_end
from vaultpy.yubikey import NoTouchError
from vaultpy.yubikeys_at_hand import DigitsTypedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.mfa import Meanwhile
    from vaultpy.yubikeys_at_hand import Watcher

T = TypeVar("T")

TOUCH_SECONDS = 15
TOUCHES = 3
_UNNOTICED_SECONDS = 0.2
_SILENT_SECONDS = 2 * TOUCH_SECONDS


class Touches:
    """Asks a person for touches."""

    def __init__(self, person: Watcher, clock: Callable[[], float] = time.monotonic) -> None:
        self._person = person
        self._clock = clock

    def answer(self, work: Callable[[], T], text: str, meanwhile: Meanwhile) -> T | None:
        """Return what a CALCULATE (`work`) does, or None if nobody touched the key in time.

        `text` asks for the touch; it is not shown for an answer that needs none. Raises DigitsTypedError if
        six digits are typed first, YubiKeyFailed for a key that refuses at once or answers nothing for 30 s,
        and what `work` raises.
        """
        task = Task(work)
        try:
            blinks = not task.finished(_UNNOTICED_SECONDS)
            typed = self._await_touch(task, text, meanwhile) if blinks else None
        except BaseException:
            task.abandon(_forget)
            raise
        if typed is not None:
            task.abandon(_forget)
            raise DigitsTypedError(typed)
        try:
            return task.result()
        except NoTouchError:
            if blinks:
                return None
            raise errors.YubiKeyFailed(reason="it refused without waiting for a touch") from None

    def _await_touch(self, task: Task[T], text: str, meanwhile: Meanwhile) -> str | None:
        """Ask for the touch until CALCULATE ends; return six digits if they are typed first."""
        deadline = self._clock() + _SILENT_SECONDS

        def check() -> None:
            meanwhile.check()
            if self._clock() > deadline:
                raise errors.YubiKeyFailed(reason=f"none for {_SILENT_SECONDS} s")

        with self._person.waiting(text, TOUCH_SECONDS) as waiting:
            return typed_before_end(task, waiting, check)


def _forget(_answer: object) -> None:
    """Take no notice of an answer that came too late."""
