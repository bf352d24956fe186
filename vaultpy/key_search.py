"""Which YubiKey has the account: look at each that is plugged in, wait for one that is not, unlock it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.accounts import choose
from vaultpy.background import POLL_SECONDS, Task, typed_before_end
from vaultpy.trace import trace
from vaultpy.values import Value
from vaultpy.yubikey import Conversation, YubiKey, identify

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Protocol

    from yubikit.core.smartcard import SmartCardConnection

    from vaultpy.accounts import Choice
    from vaultpy.background import Waiting
    from vaultpy.mfa import CodeWanted, Meanwhile
    from vaultpy.oath_passwords import OathPasswords
    from vaultpy.yubikey import Identity

    class Cards(Protocol):
        """The card readers."""

        def readers(self) -> list[str]:
            """Return the names of the readers that hold a card."""

        def empty_readers(self) -> list[str]:
            """Return the names of the readers that hold none."""

        def open(self, reader: str) -> SmartCardConnection:
            """Connect; may block while another program's transaction runs."""

    class Person(Protocol):
        """Whoever sits at the terminal."""

        def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]:
            """Say what is waited for, for how long at the most; six digits may be typed meanwhile."""

        def confirm_account(self, mfa_serial: str, account: str, where: str) -> None:
            """Have an unsure account confirmed, once for all; raises AccountUnconfirmed."""


PLUG_IN_SECONDS = 15
BUSY_SECONDS = 20
_BUSY = "the YubiKey is busy: it still blinks for a run that ended, or another program uses it"
_USB_READER = "yubico yubikey"


class Selection(Value):
    """Which key to use: by serial number, by a part of its reader's name; None where any will do."""

    __slots__ = ("reader", "serial")
    serial: str | None
    reader: str | None

    def __init__(self, serial: str | None = None, reader: str | None = None) -> None:
        self._set(serial=serial, reader=reader)


class Found(Value):
    """A key with the account on it, unlocked, in a transaction of ours until `connection` is closed."""

    __slots__ = ("choice", "connection", "key", "where")
    connection: Conversation
    key: YubiKey
    choice: Choice
    where: str

    def __init__(self, connection: Conversation, key: YubiKey, choice: Choice, where: str) -> None:
        self._set(connection=connection, key=key, choice=choice, where=where)


class KeySearch:
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
        self._cards = cards
        self._selection = selection
        self._person = person
        self._passwords = passwords
        self._yubico_on_usb = yubico_on_usb
        self._clock = clock
        self._others: dict[str, str] = {}

    def find(self, wanted: CodeWanted, meanwhile: Meanwhile) -> Found | str:
        """Return the key that has the account, or six digits that were typed while one was waited for."""
        found = self._look(wanted, meanwhile)
        if found is not None:
            return found
        meanwhile.prepare()
        deadline = self._clock() + PLUG_IN_SECONDS
        while (left := deadline - self._clock()) > 0:
            here = self._wait_for_change(left, meanwhile)
            if isinstance(here, str):
                return here
            found = self._look(wanted, meanwhile) if here else None
            if found is not None:
                return found
        raise self._absent()

    def _wait_for_change(self, seconds: float, meanwhile: Meanwhile) -> str | bool:
        """Ask for the key; return six digits that were typed, or whether a card came that is to be seen."""
        deadline = self._clock() + seconds
        with self._person.waiting(self._invitation(), seconds) as waiting:
            while self._clock() < deadline:
                typed = waiting.pause(POLL_SECONDS, None)
                if typed is not None:
                    return typed
                meanwhile.check()
                if self._unseen():
                    return True
        return False

    def _invitation(self) -> str:
        if self._selection.reader:
            return f"put your YubiKey on the reader {self._selection.reader}"
        return (
            f"plug in YubiKey {self._selection.serial}" if self._selection.serial else "plug in your YubiKey"
        )

    def _absent(self) -> errors.VaultpyError:
        if self._selection.serial:
            seen = ", ".join(self._others.values()) or "none"
            return errors.YubiKeyAbsent(serial=self._selection.serial, seen=seen)
        if self._selection.reader:
            names = self._cards.readers() + self._cards.empty_readers()
            if not any(self._may_hold_it(name) for name in names):
                return errors.ReaderAbsent(text=self._selection.reader, seen=", ".join(names) or "none")
        elif self._yubico_on_usb():
            return errors.NoCardReader()
        return errors.NoYubiKey(seconds=PLUG_IN_SECONDS)

    def _may_hold_it(self, reader: str) -> bool:
        return (self._selection.reader or _USB_READER).casefold() in reader.casefold()

    def _unseen(self) -> list[str]:
        """Return the readers to look at: with a card in them, and not one that we know to be another."""
        readers = self._cards.readers()
        self._others = {name: who for name, who in self._others.items() if name in readers}
        return [name for name in readers if self._may_hold_it(name) and name not in self._others]

    def _look(self, wanted: CodeWanted, meanwhile: Meanwhile) -> Found | str | None:
        """Look at each key not seen yet; None while none of those that are here may be used."""
        problems: list[errors.VaultpyError] = []
        for reader in self._unseen():
            found = self._look_or_note(reader, wanted, meanwhile, problems)
            if found is not None:
                return found
        if problems:
            raise problems[0]
        return None

    def _look_or_note(
        self, reader: str, wanted: CodeWanted, meanwhile: Meanwhile, problems: list[errors.VaultpyError]
    ) -> Found | str | None:
        """Look at one; a problem does not keep us from the next, and a key that went is absent."""
        try:
            return self._look_at(reader, wanted, meanwhile)
        except errors.CardRemoved as removed:
            if reader in self._cards.readers():
                problems.append(removed)
        except errors.VaultpyError as problem:
            problems.append(problem)
        return None

    def _look_at(self, reader: str, wanted: CodeWanted, meanwhile: Meanwhile) -> Found | str | None:
        """Return the key in this reader; None if it is another one than was told."""
        connection = self._open(reader, meanwhile)
        if isinstance(connection, str):
            return connection
        try:
            identity = identify(connection)
            where = f"YubiKey {identity.serial}" if identity.serial else f"the token in {reader}"
            trace(f"looking at {where} in {reader}")
            if self._selection.serial in {None, identity.serial}:
                key, choice = self._unlocked(connection, identity, wanted, where)
                return Found(connection, key, choice, where)
        except BaseException:
            connection.close()
            raise
        self._others[reader] = where
        connection.close()
        return None

    def _unlocked(
        self, connection: Conversation, identity: Identity, wanted: CodeWanted, where: str
    ) -> tuple[YubiKey, Choice]:
        key = YubiKey(connection)
        if key.locked:
            self._passwords.unlock(key, where)
        try:
            choice = choose(key.accounts(), wanted, where)
        except errors.AccountMissing:
            if identity.fips and not key.has_password:
                raise errors.FipsWithoutPassword(where=where) from None
            raise
        if choice.unsure:
            self._person.confirm_account(choice.mfa_serial, choice.account.name, where)
        return key, choice

    def _open(self, reader: str, meanwhile: Meanwhile) -> Conversation | str:
        """Connect on a thread of its own: it blocks while the card waits for somebody else's touch.

        Returns six digits if they are typed while that is waited for.
        """
        task = Task(lambda: Conversation(self._cards.open(reader)))
        try:
            typed = None if task.finished(1) else self._wait_for_turn(task, meanwhile)
        except BaseException:
            task.abandon(Conversation.close)
            raise
        if typed is not None:
            task.abandon(Conversation.close)
            return typed
        return task.result()

    def _wait_for_turn(self, task: Task[Conversation], meanwhile: Meanwhile) -> str | None:
        meanwhile.prepare()
        deadline = self._clock() + BUSY_SECONDS

        def check() -> None:
            meanwhile.check()
            if self._clock() > deadline:
                raise errors.CardHeld

        with self._person.waiting(_BUSY, BUSY_SECONDS) as waiting:
            return typed_before_end(task, waiting, check)
