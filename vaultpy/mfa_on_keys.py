"""An MFA device's account on YubiKeys, each of them checked, written and proven by one touch."""

from __future__ import annotations

from shlex import quote

from vaultpy import errors
from vaultpy.mfa import STEP_SECONDS, CodeWanted
from vaultpy.totp import totp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractContextManager
    from typing import Any, Protocol

    from vaultpy.ledger import Ledger
    from vaultpy.mfa import TokenCode
    from vaultpy.mfa_target import Target
    from vaultpy.totp import Seed
    from vaultpy.undoing import Undoing
    from vaultpy.values import Secret

    class Key(Protocol):
        """A YubiKey to write to."""

        @property
        def where(self) -> str: ...  # noqa: D102
        @property
        def serial(self) -> str | None: ...  # noqa: D102
        def check(self, name: str, *, replace: bool = False) -> None: ...  # noqa: D102
        def put(self, name: str, seed: Seed, *, replace: bool = False) -> None: ...  # noqa: D102
        def code(self, wanted: CodeWanted, step: int) -> TokenCode: ...  # noqa: D102
        def delete(self, name: str) -> bool: ...  # noqa: D102

    class Keys(Protocol):
        """The YubiKeys at hand."""

        def first(self) -> Key: ...  # noqa: D102
        def another(self, done: Collection[Any]) -> Key: ...  # noqa: D102

    class AwsClock(Protocol):
        """Who asks AWS for the time."""

        def clock_offset(self) -> float: ...  # noqa: D102

    class Person(Protocol):
        """Whoever enrols."""

        def note(self, text: str) -> None: ...  # noqa: D102
        def warn(self, text: str) -> None: ...  # noqa: D102
        def wait(self, text: str, seconds: float) -> None: ...  # noqa: D102
        def confirm(self, question: str) -> bool: ...  # noqa: D102
        def secret(self, question: str, otherwise: errors.VaultpyError) -> Secret: ...  # noqa: D102


_MAY_BE_THERE = (errors.CardRemoved, errors.YubiKeyFailed)


class Steps:
    """AWS's time in steps of 30 s, and which of them are spent for a device."""

    def __init__(self, ledger: Ledger, aws_clock: AwsClock, person: Person) -> None:
        """Ask nothing yet."""
        self._ledger = ledger
        self._aws_clock = aws_clock
        self._person = person

    def learn(self) -> None:
        """Ask AWS for the time; raises what that raises."""
        self._ledger.time.set_offset(self._aws_clock.clock_offset())

    def now(self) -> int:
        """Return the present step."""
        return int(self._ledger.time() // STEP_SECONDS)

    def wait_for_next(self) -> None:
        """Wait for the next step to begin."""
        left = (self.now() + 1) * STEP_SECONDS - self._ledger.time()
        self._person.wait("the next codes come in a moment", left)

    def lock(self, serial: str) -> AbstractContextManager[None]:
        """Return the lock of an MFA device."""
        return self._ledger.lock("mfa", serial, waiting=self._say_waiting)

    def two_codes(self, serial: str, seed: Seed) -> tuple[Secret, Secret]:
        """Return the codes of the previous and the present step, which are spent from now on."""
        step = self.now()
        self._ledger.spend(serial, step)
        return totp(seed, step - 1), totp(seed, step)

    def _say_waiting(self, pid: int) -> None:
        self._person.note(f"waiting for process {pid}, which uses the same MFA device")


class OnKeys:
    """The YubiKeys that one device's account goes onto; raises what keys and their choice raise."""

    def __init__(self, keys: Keys, steps: Steps, person: Person, target: Target) -> None:
        """Look at no key yet."""
        self._keys = keys
        self._steps = steps
        self._person = person
        self._target = target
        self._done: list[Key] = []
        self._first: Key | None = None
        self.held = False
        """Whether the first one holds an account of that name."""

    def choose(self) -> str:
        """Choose the first, see that it can be written to, and return where it is."""
        self._first = key = self._keys.first()
        try:
            key.check(self._target.account)
        except errors.AccountExists:
            key.check(self._target.account, replace=True)
            self.held = True
        return key.where

    def agree(self) -> None:
        """Have a person agree that an account is replaced, if one would be; raises AccountExists."""
        if not self.held or self._first is None:
            return
        account, where = self._target.account, self._first.where
        if not self._person.confirm(f"replace account {account} on {where} for good?"):
            raise errors.AccountExists(account=account, where=where)

    def put(self, undo: Undoing, seed: Seed, spares: int) -> tuple[str, ...]:
        """Put it on the first and on so many spares, which are asked for; return where it is."""
        if self._first is None:
            raise AssertionError("the first key is chosen before anything is made")
        for _ in range(spares + 1):
            key = self._keys.another(self._done) if self._done else self._first
            self._put_on(undo, key, seed)
            self._done.append(key)
        return tuple(key.where for key in self._done)

    def _put_on(self, undo: Undoing, key: Key, seed: Seed) -> None:
        account, serial = self._target.account, self._target.serial
        device = f" --device {key.serial}" if key.serial else ""
        remedy = f"ykman{device} oath accounts delete {quote(account)}"
        replace = self.held and not self._done
        key.check(account, replace=replace)  # an account that was there before is not ours to delete
        undo.add(lambda: key.delete(account), f"account {account} on {key.where}", remedy)
        try:
            key.put(account, seed, replace=replace)
        except errors.VaultpyError as failure:
            if not isinstance(failure, _MAY_BE_THERE):
                undo.drop()
            raise
        purpose = f"the first code of {serial}, to see that it is right"
        wanted = CodeWanted((serial,), self._target.user_name, account=account, purpose=purpose)
        step = self._steps.now()
        if key.code(wanted, step).digits != totp(seed, step):
            raise errors.YubiKeyFailed(reason="another code than the secret gives")
        self._person.note(f"account {account} is on {key.where}, and its code is right")
