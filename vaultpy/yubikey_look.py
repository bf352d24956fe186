"""A look at the keys that are plugged in: what they are and hold, with nobody asked and nothing touched."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.held_account import HeldAccount
from vaultpy.mfa import NothingMeanwhile
from vaultpy.oath_passwords import OathPasswords
from vaultpy.values import Value
from vaultpy.yubikey import YubiKey
from vaultpy.yubikeys_at_hand import Selection, YubiKeysAtHand

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from vaultpy.access_keys import Keystore
    from vaultpy.values import Secret
    from vaultpy.yubikeys_at_hand import Cards, Visit

_PATIENCE_SECONDS = 3.0


class YubiKeyReport(Value):
    """A key, and the accounts on it; None if it is locked and nobody remembers its OATH password.

    `where` names it for a person, `version` is its firmware's (of other makers' tokens, their OATH's).
    """

    __slots__ = ("accounts", "fips", "has_password", "over_usb", "serial", "version", "where")
    where: str
    serial: str | None
    version: tuple[int, ...]
    fips: bool
    over_usb: bool
    has_password: bool
    accounts: tuple[HeldAccount, ...] | None

    def __init__(  # noqa: PLR0913  # a record has its fields
        self,
        where: str,
        serial: str | None,
        version: tuple[int, ...],
        *,
        fips: bool,
        over_usb: bool,
        has_password: bool,
        accounts: tuple[HeldAccount, ...] | None,
    ) -> None:
        self._set(where=where, serial=serial, version=version, fips=fips, over_usb=over_usb)
        self._set(has_password=has_password, accounts=accounts)


class Nobody(NothingMeanwhile):
    """Who is never asked: an unknown password stays unknown, and a held card is left to others."""

    def note(self, text: str) -> None:
        """Hear nothing."""

    def secret(self, question: str, otherwise: errors.VaultpyError) -> Secret:  # noqa: ARG002  # the port's
        """Raise `otherwise`."""
        raise otherwise

    def confirm(self, question: str) -> bool:  # noqa: ARG002  # the port's
        """Agree to nothing."""
        return False

    @contextmanager
    def waiting(self, text: str, seconds: float) -> Iterator[Nobody]:  # noqa: ARG002  # the port's
        """Wait for a card's turn for some seconds only."""
        self._left = _PATIENCE_SECONDS
        yield self

    def pause(self, seconds: float, wake: socket.socket | None) -> str | None:
        """Wait until `wake` is readable; raises CardHeld when it has taken too long."""
        from select import select

        if self._left <= 0:
            raise errors.CardHeld
        self._left -= seconds
        select([wake] if wake else [], [], [], seconds)
        return None


def look_at_keys(
    cards: Cards,
    reader: str | None,
    ykman: Callable[[str], bytes | None],
    keystore: Callable[[], Keystore],
) -> list[tuple[str, YubiKeyReport | errors.VaultpyError]]:
    """Return each key that is plugged in, with its reader's name: what it is, or why it cannot be told.

    `reader` is a part of a reader's name, `ykman` and `keystore` are what OathPasswords takes.
    """
    nobody = Nobody()
    passwords = OathPasswords(ykman, keystore, nobody)
    keys = YubiKeysAtHand(cards, Selection(reader=reader), person=nobody, yubico_on_usb=lambda: False)
    return keys.all(lambda visit: _report(visit, passwords), nobody)


def _report(visit: Visit, passwords: OathPasswords) -> YubiKeyReport:
    with closing(visit.connection):
        key = YubiKey(visit.connection)
        accounts = None
        if _is_open(key, visit.where, passwords):
            touch = key.touch_wanted()
            accounts = tuple(HeldAccount(it, touch=touch.get(it.id)) for it in key.accounts())
        return YubiKeyReport(
            visit.where,
            visit.identity.serial,
            key.version,
            fips=visit.identity.fips,
            over_usb=key.over_usb,
            has_password=key.has_password,
            accounts=accounts,
        )


def _is_open(key: YubiKey, where: str, passwords: OathPasswords) -> bool:
    if not key.locked:
        return True
    try:
        passwords.unlock(key, where)
    except errors.OathPasswordNeeded:
        return False
    return True
