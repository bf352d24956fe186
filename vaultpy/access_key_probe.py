"""Waiting until AWS knows a new access key."""

from __future__ import annotations

from vaultpy.errors import AccessKeyRefused, AnswerMalformed, AwsBusy, NoAnswer, Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Protocol

    from vaultpy.credentials import LongTerm

    class Waiting(Protocol):
        """A wait that is shown."""

        def pause(self, seconds: float, wake: None) -> object:
            """Let the time pass."""

    class Person(Protocol):
        """Who is told what is waited for."""

        def waiting(  # noqa: D102
            self, text: str, seconds: float, *, typing: bool
        ) -> AbstractContextManager[Waiting]: ...


_KNOWN_WITHIN_SECONDS = 60.0  # 8 to 15 were observed
_PROBE_EVERY_SECONDS = 2.0
_TICK_SECONDS = 0.25
# A new key reaches AWS's machines one by one, and each answer is that of one machine.
_PROBES_IN_A_ROW = 3
_UNKNOWN_YET = (AccessKeyRefused, AnswerMalformed, AwsBusy, NoAnswer, Unreachable)


def is_known_in_time(
    key: LongTerm, probe: Callable[[LongTerm], object], person: Person, monotonic: Callable[[], float]
) -> bool:
    """Ask until three answers in a row, two seconds apart, know the key; no more when a minute is over.

    `monotonic` is the clock of that minute, in seconds. `probe` asks AWS whose it is, each time over a
    connection of its own, so that another of AWS's machines may answer. Raises what `probe` does, but what
    time may mend.
    """
    known, deadline = 0, monotonic() + _KNOWN_WITHIN_SECONDS
    text = f"waiting until all of AWS knows {key.id}, as a rule 10 to 20 s"
    with person.waiting(text, _KNOWN_WITHIN_SECONDS, typing=False) as waiting:
        while True:
            known = known + 1 if _answers(key, probe) else 0
            if known == _PROBES_IN_A_ROW:
                return True
            if monotonic() >= deadline:
                return False
            for _ in range(int(_PROBE_EVERY_SECONDS / _TICK_SECONDS)):
                waiting.pause(_TICK_SECONDS, None)


def _answers(key: LongTerm, probe: Callable[[LongTerm], object]) -> bool:
    try:
        probe(key)
    except _UNKNOWN_YET:
        return False
    return True
