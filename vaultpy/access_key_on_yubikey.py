"""Access keys whose secrets are on YubiKeys: a keystore that is written to and emptied, and never read.

A secret is written to each of its YubiKeys once. By one touch each proves that it signs as the secret does;
with that the secret is done with. The index names the YubiKeys in the place where it names a keystore's file.
"""

from __future__ import annotations

import hmac
from contextlib import suppress

from vaultpy import errors
from vaultpy.accounts_on_yubikeys import NEXT_KEY, deletion, one_after_the_other, put_on
from vaultpy.records import ON_YUBIKEY
from vaultpy.signing_account import account_name, account_secret, aws_date, challenge
from vaultpy.undoing import Undoing
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from vaultpy.accounts_on_yubikeys import Key
    from vaultpy.accounts_on_yubikeys import Keys as AnyKeys

    class Keys(AnyKeys, Protocol):
        """The YubiKeys at hand."""

        def all(self) -> Sequence[tuple[str, Key | errors.VaultpyError]]: ...  # noqa: D102

    class Person(Protocol):
        """Who is told what was done, and what stays."""

        def note(self, text: str) -> None: ...  # noqa: D102
        def warn(self, text: str) -> None: ...  # noqa: D102


_NO_ID_YET = "A" * 20


class SigningSecret:
    """An access key's secret as its account on a YubiKey has it."""

    algorithm = "SHA256"

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def reveal(self) -> bytes:
        """Return the account's secret itself."""
        return account_secret(self._secret)


def day_key(secret: Secret, date: str) -> Secret:
    """Return SigV4's key for the day `date`, as a YubiKey that has the secret gives it, in hexadecimal."""
    return Secret(hmac.digest(account_secret(secret), challenge(date), "sha256").hex())


def yubikey_ids(file: str) -> list[str]:
    """Return which YubiKeys hold a secret, by `YubiKeyInHand.id`: what the index says in place of a file."""
    return file.split()


class _Account:
    """The account of one access key."""

    answer = "day key"

    def __init__(self, access_key_id: str, secret: Secret, date: str) -> None:
        self.name = account_name(access_key_id)
        self._id = access_key_id
        self._secret = secret
        self._date = date

    def check(self, key: Key, *, replace: bool) -> None:
        key.check(self.name, replace=replace, protected=True)

    def put(self, key: Key, *, replace: bool) -> None:
        key.put(self.name, SigningSecret(self._secret), replace=replace, protected=True)

    def is_right(self, key: Key) -> bool:
        purpose = f"the first day key of {self._id}, to see that it is right"
        return key.day_key(self._id, self._date, purpose) == day_key(self._secret, self._date)


class YubiKeyStore:
    """The YubiKeys as a keystore; `file` has the ids of those that hold the last secret stored."""

    name = ON_YUBIKEY

    def __init__(  # noqa: PLR0913  # its ports, and how many keys
        self,
        keys: Callable[[], Keys],
        person: Person,
        clock: Callable[[], float],
        *,
        file: str = "",
        first: Callable[[], Keys] | None = None,
        count: int = 1,
        before: tuple[str, ...] = (),
    ) -> None:
        """`keys` reaches the card readers and may raise PcscMissing; `clock` gives AWS's epoch.

        What is stored goes onto `count` keys, beginning with one of `first`; those of `before` had the secret
        that it replaces.
        """
        self.file = file
        self.where: tuple[str, ...] = ()
        """On which keys the last secret was stored, in words."""
        self._keys = keys
        self._first = first or keys
        self._person = person
        self._clock = clock
        self._count = count
        self._before = before
        self._chosen: tuple[Keys, Key] | None = None
        self._written: dict[str, list[Key]] = {}

    def choose(self) -> None:
        """Choose the first key to write to, and see that it can be; raises what speaks against it.

        One that was chosen before is seen to again, and its password not asked for; another is chosen only
        where that one has gone.
        """
        if self._chosen is not None:
            with suppress(errors.CardRemoved):
                _check(self._chosen[1])
                return
        keys = self._first()
        key = keys.first()
        _check(key)
        self._chosen = keys, key

    def get(self, item: str) -> None:
        """Return nothing: no YubiKey gives a secret away."""

    def set(self, item: str, text: Secret) -> None:
        """Put a secret on all the keys that are to have it; what fails is undone, or named.

        On a key that has an account of that name already nothing is written: it only proves that it holds
        this secret, or AccountExists is raised. Raises what keys and their choice raise.
        """
        if self._chosen is None:
            self.choose()
        if self._chosen is None:
            raise AssertionError("a key is chosen, or an error raised")
        account = _Account(_key_id(item), text, aws_date(self._clock()))
        self._written[item] = []
        written, done = [], []
        with Undoing(self._person) as undo:
            for key in one_after_the_other(*self._chosen, self._count, self._invitations(self._chosen[1])):
                if self._put(undo, key, account):
                    written.append(key)
                done.append(key)
            undo.keep()
        self._written[item] = written
        self.file = " ".join(key.id for key in done)
        self.where = tuple(key.where for key in done)

    def _put(self, undo: Undoing, key: Key, account: _Account) -> bool:
        """Have the account on `key`; tell whether it was put there now."""
        try:
            put_on(undo, key, account, self._person)
        except errors.AccountExists:
            if not account.is_right(key):
                raise
            what = f"account {account.name} was on {key.where} before"
            self._person.note(f"{what}, and its {account.answer} is right")
            return False
        return True

    def _invitations(self, first: Key) -> tuple[str, ...]:
        """Ask for the keys that had the old secret."""
        others = [each for each in self._before if each != first.id]
        return tuple(f"{NEXT_KEY}: {each}, or one that takes its place" for each in others)

    def delete(self, item: str) -> None:
        """Delete a secret from the keys that are here; what stays elsewhere is named, and no error.

        One that this run has put there is deleted where that was, and nowhere else.
        """
        account = account_name(_key_id(item))
        if item in self._written:
            for key in self._written[item]:
                self._delete(key, account)
            self._written[item] = []
            return
        missing = dict.fromkeys(yubikey_ids(self.file))
        here = self._here()
        for key in here:
            missing.pop(key.id, None)
            self._delete(key, account)
        for each in missing:
            remedy = deletion(account, each if each.isdigit() else None)
            self._person.warn(f"account {account} stays on YubiKey {each}, which is not here; {_to(remedy)}")
        if not self.file and not here:
            self._person.warn(f"account {account} may be on a YubiKey; {_to(deletion(account, None))}")

    def _here(self) -> list[Key]:
        """Return the keys that can be looked at."""
        try:
            found = self._keys().all()
        except errors.VaultpyError as problem:
            self._person.warn(f"no YubiKey was looked at: {problem.message}")
            return []
        for where, key in found:
            if isinstance(key, errors.VaultpyError):
                self._person.warn(f"{where} was not looked at: {key.message}")
        return [key for _, key in found if not isinstance(key, errors.VaultpyError)]

    def _delete(self, key: Key, account: str) -> None:
        try:
            if key.delete(account):
                self._person.note(f"deleted account {account} on {key.where}")
        except errors.VaultpyError as problem:
            remedy = deletion(account, key.serial)
            self._person.warn(f"account {account} stays on {key.where} ({problem.message}); {_to(remedy)}")


def _check(key: Key) -> None:
    key.check(account_name(_NO_ID_YET), protected=True)


def _key_id(item: str) -> str:
    """Return the access key id in an item's name, as `access_keys` has it."""
    return item.rpartition("/")[2]


def _to(remedy: str) -> str:
    return f"to remove it: {remedy}"
