"""Ports that fail: at the n-th call, in each way of which such a port is capable, before or after its effect.

A run is rehearsed to count its calls; then it is run again for every fault, and judges what is left itself.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from inspect import ismethod
from typing import TYPE_CHECKING, Any, NamedTuple

from vaultpy import errors
from vaultpy.credentials import AccessKey
from vaultpy.mfa import TokenCode
from vaultpy.state import open_lock_file, try_lock
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FULL = errors.StateUnusable(path="state", reason="No space left on device", remedy="make room")
UNREADABLE = errors.StateUnusable(path="state", reason="Input/output error", remedy="see to the disk")
_OF_A_KEYSTORE = (
    errors.KeystoreFailed(keystore="system", reason="as ordered"),
    errors.KeystoreTimeout(seconds=3),
    errors.KeystoreLocked(),
)
# What each port says when it fails, and when it keeps us waiting or answers nonsense.
FAILURES: dict[str, tuple[Exception, ...]] = {
    "index": (FULL,),
    "ledger": (FULL, errors.StillBusy(pid=1, seconds=90, doing="x", remedy="y")),
    "clock": (UNREADABLE,),
    "sessions": (FULL,),
    "place": (OSError(errno.EIO, "as ordered"), OSError(errno.ETIMEDOUT, "as ordered")),
    "keystore": _OF_A_KEYSTORE,
    "signer": _OF_A_KEYSTORE,
    "sts": (
        errors.Unreachable(host="aws", reason="as ordered"),
        errors.NoAnswer(host="aws", reason="as ordered"),
        errors.AnswerMalformed(host="aws", reason="as ordered"),
    ),
    "mfa": (
        errors.NotTouched(times="3 times"),
        errors.CardRemoved(),
        errors.YubiKeyFailed(reason="as ordered"),
    ),
    "port": (errors.PortTaken(port=0, reason="as ordered"),),
}
# What is said of a call that may have had its effect: these would mean that it had none.
FAILURES_AFTER = FAILURES | {"sts": FAILURES["sts"][1:], "port": ()}
_DEATH = 3  # of four


class Killed(BaseException):
    """The process is killed: nothing of it happens any more."""


class Way(NamedTuple):
    """How a call goes wrong: it raises `failure`; else its answer is garbled, else the process is killed."""

    failure: Exception | None = None
    after: bool = False
    garbage: Callable[[Any], Any] | None = None


def _wrong_key(key: AccessKey) -> AccessKey:
    return AccessKey(key.id, Secret("nonsense"))


def _wrong_code(code: TokenCode) -> TokenCode:
    return TokenCode(code.mfa_serial, f"{(int(code.digits.reveal()) + 1) % 10**6:06}", code.step)


GARBAGE: dict[str, Callable[[Any], Any]] = {
    "place read": lambda text: text and "\0nonsense",
    "signer access_key": _wrong_key,
    "mfa token_code": _wrong_code,
}


def ways(call: str) -> list[Way]:
    """Return all ways in which the call (`port name`) may go wrong."""
    port = call.split(" ", maxsplit=1)[0]
    before = [Way(failure) for failure in FAILURES.get(port, ())]
    after = [Way(failure, after=True) for failure in FAILURES_AFTER.get(port, ())]
    garbled = [Way(after=True, garbage=GARBAGE[call])] if call in GARBAGE else []
    return [*before, *after, *garbled, Way(), Way(after=True)]


class Faults:
    """Counts the calls of all ports; the one with the number `at` goes wrong that `way`."""

    def __init__(self, at: int = 0, way: Way | None = None) -> None:
        self.calls: list[str] = []
        self._at, self._way = at, way or Way()
        self.dead = False

    @property
    def has_struck(self) -> bool:
        """Whether anything went wrong yet."""
        return 0 < self._at <= len(self.calls)

    @property
    def struck(self) -> str:
        """What went wrong, for a message."""
        return f"{self._at} {self.calls[self._at - 1] if self.has_struck else ''} {self._way}"

    def around(self, part: object, port: str) -> Any:  # noqa: ANN401  # it stands for any part
        """Return `part`, with faults."""
        return _Faulty(part, port, self)

    def make(self, port: str, name: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401  # as above
        """Make a call, or fail."""
        if self.dead:
            raise Killed
        self.calls.append(f"{port} {name}")
        if len(self.calls) != self._at:
            return call()
        failure, after, garbage = self._way
        answer = call() if after else None
        if garbage is not None:
            return garbage(answer)
        self.dead = failure is None
        raise failure or Killed


class _Faulty:
    def __init__(self, part: object, port: str, faults: Faults) -> None:
        self._part, self._port, self._faults = part, port, faults

    def __getattr__(self, name: str) -> object:
        found = getattr(self._part, name)
        if not ismethod(found):
            return found
        return lambda *args, **named: self._faults.make(self._port, name, lambda: found(*args, **named))


def sweep(run: Callable[[Faults], None], part: tuple[int, int] | None = None) -> int:
    """Let `run` try every fault; returns how many there were.

    With a `part` (which, of how many) only each of its calls goes wrong, once: in the ways of which calls of
    that name are capable in turn, every fourth time by death.
    """
    rehearsal = Faults()
    run(rehearsal)
    seen: Counter[str] = Counter()
    tried = 0
    for at, call in enumerate(rehearsal.calls, 1):
        possible = ways(call)
        if part is not None:
            possible = [_in_turn(possible, seen[call])] if at % part[1] == part[0] else []
        seen[call] += 1
        for way in possible:
            run(Faults(at, way))
            tried += 1
    return tried


def _in_turn(possible: list[Way], number: int) -> Way:
    failures, deaths = possible[:-2], possible[-2:]
    if not failures or number % 4 == _DEATH:
        return deaths[number // 4 % 2]
    return failures[number % len(failures)]


def went(call: Callable[[], object]) -> bool:
    """Make `call`; tell whether it went well. Anything but our errors, and death, is a bug."""
    try:
        call()
    except (errors.VaultpyError, Killed):
        return False
    return True


def assert_no_lock_is_held(directory: Path) -> None:
    """Take each lock that there is."""
    for path in (*directory.rglob("locks/*"), *directory.rglob("*.lock"), *directory.rglob(".*-lock")):
        descriptor = open_lock_file(str(path))
        try:
            assert try_lock(descriptor), path
        finally:
            os.close(descriptor)


def assert_nothing_is_half_written(directory: Path) -> None:
    """No temporary file is left."""
    assert list(directory.rglob("*.vaultpy-new")) == []
