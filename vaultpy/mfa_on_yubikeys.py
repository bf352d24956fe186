"""An MFA device's account on YubiKeys, each of them checked, written and proven by one touch."""

from __future__ import annotations

from vaultpy import errors
from vaultpy.accounts_on_yubikeys import one_after_the_other, put_on
from vaultpy.mfa import STEP_SECONDS, CodeWanted
from vaultpy.totp import totp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Protocol

    from vaultpy.accounts_on_yubikeys import Key, Keys
    from vaultpy.ledger import Ledger
    from vaultpy.mfa_target import Target
    from vaultpy.totp import Seed
    from vaultpy.undoing import Undoing
    from vaultpy.values import Secret

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
        account = _Codes(self._target, seed, self._steps)
        done: list[str] = []
        for key in one_after_the_other(self._keys, self._first, spares + 1):
            put_on(undo, key, account, self._person, replace=self.held and not done)
            done.append(key.where)
        return tuple(done)


class _Codes:
    """The account that makes a device's codes."""

    answer = "code"

    def __init__(self, target: Target, seed: Seed, steps: Steps) -> None:
        self.name = target.account
        self._target = target
        self._seed = seed
        self._steps = steps

    def check(self, key: Key, *, replace: bool) -> None:
        key.check(self.name, replace=replace)

    def put(self, key: Key, *, replace: bool) -> None:
        key.put(self.name, self._seed, replace=replace)

    def is_right(self, key: Key) -> bool:
        serial = self._target.serial
        purpose = f"the first code of {serial}, to see that it is right"
        wanted = CodeWanted((serial,), self._target.user_name, account=self.name, purpose=purpose)
        step = self._steps.now()
        return key.code(wanted, step).digits == totp(self._seed, step)
