"""Which YubiKey has the account: look at each that is plugged in, wait for one that is not, unlock it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.accounts import choose
from vaultpy.values import Value
from vaultpy.yubikey import YubiKey
from vaultpy.yubikeys_at_hand import DigitsTypedError, YubiKeysAtHand

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.accounts import Choice
    from vaultpy.bounded_connection import BoundedConnection
    from vaultpy.mfa import CodeWanted, Meanwhile
    from vaultpy.oath_passwords import OathPasswords
    from vaultpy.yubikeys_at_hand import Cards, Selection, Visit, Watcher

    class Person(Watcher, Protocol):
        """Whoever sits at the terminal."""

        def confirm_account(self, mfa_serial: str, account: str, where: str) -> None:
            """Have an unsure account confirmed, once for all; raises AccountUnconfirmed."""


class Found(Value):
    """A key with the account on it, unlocked, in a transaction of ours until `connection` is closed."""

    __slots__ = ("choice", "connection", "key", "where")
    connection: BoundedConnection
    key: YubiKey
    choice: Choice
    where: str

    def __init__(self, connection: BoundedConnection, key: YubiKey, choice: Choice, where: str) -> None:
        self._set(connection=connection, key=key, choice=choice, where=where)


class YubiKeySearch:
    """One search, for one code."""

    def __init__(  # noqa: PLR0913  # its ports
        self,
        cards: Cards,
        selection: Selection,
        *,
        person: Person,
        passwords: OathPasswords,
        yubico_on_usb: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`yubico_on_usb` tells a Yubico device without a card reader from none at all."""
        self._keys = YubiKeysAtHand(cards, selection, person=person, yubico_on_usb=yubico_on_usb, clock=clock)
        self._person = person
        self._passwords = passwords

    def find(self, wanted: CodeWanted, meanwhile: Meanwhile) -> Found | str:
        """Return the key that has the account, or six digits that were typed while one was waited for."""
        try:
            return self._keys.first(lambda visit: self._found(visit, wanted), meanwhile)
        except DigitsTypedError as typed:
            return typed.digits

    def _found(self, visit: Visit, wanted: CodeWanted) -> Found:
        key = YubiKey(visit.connection)
        if key.locked:
            self._passwords.unlock(key, visit.where)
        try:
            choice = choose(key.accounts(), wanted, visit.where)
        except errors.AccountMissing:
            if visit.identity.fips and not key.has_password:
                raise errors.FipsWithoutPassword(where=visit.where) from None
            raise
        if choice.unsure:
            self._person.confirm_account(choice.mfa_serial, choice.account.name, visit.where)
        return Found(visit.connection, key, choice, visit.where)
