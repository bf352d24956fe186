"""One YubiKey that is written to: an account is put on it, proven by a touch, and taken away again.

No connection is held between its methods, so nothing is while a person is asked: each begins with a SELECT,
with the OATH password once that is known, and with a look whether it is still the same key.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from vaultpy import errors
from vaultpy.accounts import NAME_BYTES, TOUCH_SINCE, choose
from vaultpy.day_keys import DayKeys
from vaultpy.held_account import HeldAccount
from vaultpy.mfa import NothingMeanwhile
from vaultpy.trace import trace
from vaultpy.yubikey import RefusedError, YubiKey
from vaultpy.yubikey_search import Found
from vaultpy.yubikeys import YubiKeys
from vaultpy.yubikeys_at_hand import Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vaultpy.accounts_on_yubikeys import OathSecret
    from vaultpy.bounded_connection import BoundedConnection
    from vaultpy.mfa import CodeWanted, Meanwhile, TokenCode
    from vaultpy.oath_passwords import LockedKey
    from vaultpy.values import Secret
    from vaultpy.yubikeys_at_hand import Watcher, YubiKeysAtHand

T = TypeVar("T")

_SIXTY_FOUR_SINCE = (5, 7, 0)
_NO_SPACE = 0x6A84
_REFUSALS = {
    0x6982: "it is locked (6982)",
    0x6985: "it may hold that name already (6985)",
    0x6A80: "it knows no such accounts (6a80)",
}


class YubiKeyInHand:
    """A YubiKey that was chosen to be written to; a LockedKey, too, whose password may be asked for."""

    def __init__(
        self,
        keys: YubiKeysAtHand,
        visit: Visit,
        *,
        person: Watcher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Select OATH in a visit that has begun, and leave that open; raises OathOff."""
        key = YubiKey(visit.connection)
        self.where = visit.where
        self.serial = visit.identity.serial
        self.device_id = key.device_id
        self.has_password = key.has_password
        self.derive = key.derive
        self._fips = visit.identity.fips
        self._reader = visit.reader
        self._keys = keys
        self._person = person
        self._clock = clock
        self._derived: bytes | None = None

    @property
    def id(self) -> str:
        """What tells this key from others: its serial number, or for keys without one OATH's own id."""
        return self.serial or self.device_id

    def unlock(self, derived: bytes) -> bool:
        """Try a derived password, which is used from then on if it fits."""
        connection, key = self._select(NothingMeanwhile())
        try:
            fits = not key.locked or key.unlock(derived)
        finally:
            connection.close()
        if fits:
            self._derived = derived
        return fits

    # ---- writing -------------------------------------------------------------------------------------

    def check(self, name: str, *, replace: bool = False, protected: bool = False) -> None:
        """See that `put` would do it; raises what speaks against it, and writes nothing.

        Raises NfcReadOnly, TouchUnknown, FipsWithoutPassword, AccountNameTooLong, YubiKeyFull, and
        AccountExists unless the account of that name is to be replaced; if it is to be `protected`,
        OathUnprotected for a key without an OATH password.
        """
        with self._opened() as key:
            self._check(key, name, replace=replace, protected=protected)

    def put(self, name: str, secret: OathSecret, *, replace: bool = False, protected: bool = False) -> None:
        """Store the account, which wants a touch for each code.

        Raises what `check` raises, and PutRefused, with nothing written. After CardRemoved or YubiKeyFailed
        the account may be there: `delete` it.
        """
        with self._opened() as key:
            self._check(key, name, replace=replace, protected=protected)
            trace(f"storing account {name} on {self.where}")
            try:
                key.put(name, secret)
            except RefusedError as refused:
                raise self._refusal(key, name, refused.status) from None

    def code(self, wanted: CodeWanted, step: int) -> TokenCode:
        """Ask for a touch; return the code of the account that `wanted.account` names, for a 30-second step.

        Raises AccountMissing, NotTouched and what cards raise. Typed digits are no answer here.
        """
        device = YubiKeys(lambda: self, self._person, self._clock)
        return device.token_code(wanted, lambda _serial: step, NothingMeanwhile())

    def day_key(self, access_key_id: str, date: str, purpose: str) -> Secret:
        """Ask for a touch; return the day key of an access key that is on this key, in hexadecimal.

        Raises AccessKeyElsewhere, SigningAccountUnfit, NotTouched and what cards raise.
        """
        this = _OneKey(self._keys, self._reader, self._derived)
        keys = DayKeys(lambda: this, self._person, this, self._clock)
        return keys.day_key(access_key_id, lambda: date, purpose, NothingMeanwhile()).key

    def find(self, wanted: CodeWanted, meanwhile: Meanwhile) -> Found:
        """Return this key with the account: a search that has one place to look."""
        connection, key = self._select_unlocked(meanwhile)
        with ExitStack() as unless_found:
            unless_found.callback(connection.close)
            found = Found(connection, key, choose(key.accounts(), wanted, self.where), self.where)
            unless_found.pop_all()
        return found

    def delete(self, name: str) -> bool:
        """Delete the account of that name; tell whether there was one."""
        with self._opened() as key:
            trace(f"deleting account {name} on {self.where}")
            return key.delete(name)

    def accounts(self) -> list[HeldAccount]:
        """Return what it holds, and which of that wants a touch."""
        with self._opened() as key:
            touch = key.touch_wanted()
            return [HeldAccount(account, touch=touch.get(account.id)) for account in key.accounts()]

    def _check(self, key: YubiKey, name: str, *, replace: bool, protected: bool) -> None:
        if not key.over_usb:
            raise errors.NfcReadOnly(where=self.where)
        if key.version < TOUCH_SINCE:
            raise errors.TouchUnknown(where=self.where, version=".".join(map(str, key.version)))
        if self._fips and not key.has_password:
            raise errors.FipsWithoutPassword(where=self.where)
        if protected and not key.has_password:
            raise errors.OathUnprotected(where=self.where)
        account_id = name.encode("utf-8", "surrogateescape")
        if len(account_id) > NAME_BYTES:
            raise errors.AccountNameTooLong(account=name, length=len(account_id), most=NAME_BYTES)
        held = [account.id for account in key.accounts()]
        if account_id in held:
            if not replace:
                raise errors.AccountExists(account=name, where=self.where)
        elif self.serial and len(held) >= self._room(key):
            raise errors.YubiKeyFull(where=self.where, count=len(held))

    @staticmethod
    def _room(key: YubiKey) -> int:
        """Return how many accounts a YubiKey holds; others, which have no serial number, tell at PUT."""
        return 64 if key.version >= _SIXTY_FOUR_SINCE else 32

    def _refusal(self, key: YubiKey, name: str, status: int) -> errors.VaultpyError:
        if status == _NO_SPACE:
            return errors.YubiKeyFull(where=self.where, count=len(key.accounts()))
        reason = _REFUSALS.get(status, f"status {status:04x}")
        return errors.PutRefused(where=self.where, account=name, reason=reason)

    # ---- connecting ----------------------------------------------------------------------------------

    @contextmanager
    def _opened(self) -> Iterator[YubiKey]:
        connection, key = self._select_unlocked(NothingMeanwhile())
        try:
            yield key
        finally:
            connection.close()

    def _select_unlocked(self, meanwhile: Meanwhile) -> tuple[BoundedConnection, YubiKey]:
        """Connect with the password; raises OathPasswordNeeded and OathPasswordWrong."""
        connection, key = self._select(meanwhile)
        with ExitStack() as unless_open:
            unless_open.callback(connection.close)
            if key.locked and self._derived is None:
                raise errors.OathPasswordNeeded(where=self.where)
            if key.locked and self._derived is not None and not key.unlock(self._derived):
                raise errors.OathPasswordWrong(where=self.where)
            unless_open.pop_all()
        return connection, key

    def _select(self, meanwhile: Meanwhile) -> tuple[BoundedConnection, YubiKey]:
        """Connect; raises CardRemoved also where another key is in its place."""
        connection = self._keys.open(self._reader, meanwhile)
        with ExitStack() as unless_selected:
            unless_selected.callback(connection.close)
            key = YubiKey(connection)
            if key.device_id != self.device_id:
                raise errors.CardRemoved
            unless_selected.pop_all()
        return connection, key


class _OneKey:
    """One key in the place of all that are at hand, and the password that opens it."""

    def __init__(self, keys: YubiKeysAtHand, reader: str, derived: bytes | None) -> None:
        self._keys = keys
        self._reader = reader
        self._derived = derived

    def first(self, take: Callable[[Visit], T | None], meanwhile: Meanwhile) -> T:
        connection = self._keys.open(self._reader, meanwhile)
        with ExitStack() as unless_taken:
            unless_taken.callback(connection.close)
            taken = take(Visit(self._reader, connection))
            if taken is None:
                raise errors.CardRemoved
            unless_taken.pop_all()
        return taken

    def unlock_unasked(self, key: LockedKey) -> bool:
        return self._derived is not None and key.unlock(self._derived)

    def unlock(self, key: LockedKey, where: str) -> None:
        if self._derived is None:
            raise errors.OathPasswordNeeded(where=where)
        if not self.unlock_unasked(key):
            raise errors.OathPasswordWrong(where=where)
