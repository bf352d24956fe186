"""A real YubiKey under test, named by its serial number, with accounts of our own on it for a moment.

Whatever is sent to it goes through the guard. Accounts and a password that a killed run left behind are taken
away at the next start.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from guard import PREFIX, Guard, is_ours
from yubikit.core.smartcard import ApduError
from yubikit.oath import OathSession

from vaultpy.errors import VaultpyError
from vaultpy.keystore import open_foreign
from vaultpy.oath_passwords import OathPasswords
from vaultpy.pcsc import PcscCards
from vaultpy.questions import KeystoreQuestions
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.terminal import Terminal
from vaultpy.usb import yubico_on_usb
from vaultpy.values import Secret
from vaultpy.ykman_passwords import remembered
from vaultpy.yubikey import identify
from vaultpy.yubikey_choice import YubiKeyChoice
from vaultpy.yubikey_search import YubiKeySearch
from vaultpy.yubikeys import YubiKeys
from vaultpy.yubikeys_at_hand import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from vaultpy.background import Waiting
    from vaultpy.yubikey_in_hand import YubiKeyInHand

TEST_PASSWORD = "vaultpy-hardware-test"  # noqa: S105  # nothing is protected by it, and its owner must know it


class KeyUnusableError(Exception):
    """The key cannot be tested; the text says why, and what to do."""


class Attendant:
    """Whoever sits beside the key and touches it when told; agrees to the account, which is ours."""

    def __init__(self) -> None:
        self.password: str | None = None
        self._terminal = Terminal(os.environ)

    def say(self, text: str) -> None:
        """Say it where a person sees it, on a line of its own."""
        self._terminal.show("")
        self._terminal.note(text)

    def note(self, text: str) -> None:
        """Say what they should know."""
        self.say(text)

    def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]:
        """Say what is waited for."""
        self._terminal.show("")
        return self._terminal.waiting(text, seconds, typing=False)

    def confirm_account(self, mfa_serial: str, account: str, where: str) -> None:
        """Agree, if the account is ours."""
        del mfa_serial, where
        assert is_ours(account.encode())

    def confirm(self, question: str) -> bool:
        """Have nothing remembered."""
        del question
        return False

    def secret(self, question: str, otherwise: VaultpyError) -> Secret:
        """Type the tests' own password while it is set; any other ykman has to know."""
        del question
        if self.password is None:
            raise otherwise
        return Secret(self.password)


class GuardedCards:
    """The card readers, each card behind the guard."""

    def __init__(self, *, may_set_password: bool = False) -> None:
        self._cards = PcscCards()
        self._may_set_password = may_set_password

    def readers(self) -> list[str]:
        """Return the names of the readers that hold a card."""
        return self._cards.readers()

    def empty_readers(self) -> list[str]:
        """Return the names of the readers that hold none."""
        return self._cards.empty_readers()

    def open(self, reader: str) -> Guard:
        """Connect to the card in `reader`."""
        return Guard(self._cards.open(reader), may_set_password=self._may_set_password)


class KeyUnderTest:
    """The YubiKey with that serial number: a Bench for the OATH contract."""

    def __init__(self, serial: str, *, may_set_password: bool = False) -> None:
        """Touch nothing yet. `may_set_password`: for a moment, where the key has none."""
        self.password = TEST_PASSWORD if may_set_password else None
        self.findings: list[str] = []
        self._serial = serial
        self._attendant = Attendant()

    @contextmanager
    def connect(self, *, may_set_password: bool = False) -> Iterator[Guard]:
        """Connect; nobody else gets at it meanwhile. Other cards are asked who they are, and no more."""
        cards = GuardedCards(may_set_password=may_set_password or self.password is not None)
        problems = []
        for reader in cards.readers():
            try:
                connection = cards.open(reader)
            except VaultpyError as problem:
                problems.append(f"; {reader}: {problem.message}")
                continue
            try:
                if self._is_in(connection):
                    yield connection
                    return
            finally:
                connection.close()
        raise KeyUnusableError(f"YubiKey {self._serial} is not plugged in{''.join(problems)}")

    def _is_in(self, connection: Guard) -> bool:
        try:
            return identify(connection).serial == self._serial
        except VaultpyError:  # a card of another kind
            return False

    def unlock(self, session: OathSession) -> None:
        """Give the OATH password, if the key has one and ykman knows it; raises KeyUnusableError."""
        if session.locked:
            derived = _remembered_by_ykman(session.device_id)
            if derived is None:
                raise KeyUnusableError("OATH has a password; let ykman know it: ykman oath access remember")
            session.validate(derived)

    def name(self) -> str:
        """Return a name that begins with the prefix."""
        return PREFIX.decode() + secrets.token_hex(4)

    def say(self, text: str) -> None:
        """Tell the attendant."""
        self._attendant.say(text)

    def touch(self) -> None:
        """Tell the attendant."""
        self.say("touch the YubiKey when it blinks")

    def leave_alone(self) -> None:
        """Tell the attendant."""
        self.say("leave the YubiKey alone while it blinks, for about 15 s")

    def report(self, finding: str) -> None:
        """Keep it for the end."""
        self.findings.append(finding)

    def as_mfa_device(self) -> YubiKeys:
        """Return the key as vaultpy uses it."""

        def search() -> YubiKeySearch:
            return YubiKeySearch(
                GuardedCards(),
                self._selection(),
                person=self._attendant,
                passwords=self._passwords(),
                yubico_on_usb=yubico_on_usb,
            )

        return YubiKeys(search, self._attendant)

    def to_be_written(self) -> YubiKeyInHand:
        """Return the key as vaultpy writes to it."""
        choice = YubiKeyChoice(
            GuardedCards(),
            self._selection(),
            person=self._attendant,
            passwords=self._passwords(),
            yubico_on_usb=yubico_on_usb,
        )
        return choice.first()

    def _selection(self) -> Selection:
        return Selection(self._serial, os.environ.get("VAULTPY_READER"))

    def _passwords(self) -> OathPasswords:
        return OathPasswords(_remembered_by_ykman, MemoryKeystore[Secret], self._attendant)

    @contextmanager
    def locked(self, password: str) -> Iterator[None]:
        """Let the key have the tests' OATH password, which the attendant knows, while the context lasts."""
        with self.connect(may_set_password=True) as connection:
            session = OathSession(connection)
            if session.has_key:
                raise KeyUnusableError("OATH has a password of its owner's")
            session.set_key(session.derive_key(password))
        self._attendant.password = password
        try:
            yield
        finally:
            self._attendant.password = None
            self.remove_password()

    def remove_password(self) -> None:
        """Remove the OATH password, if it is the tests' own."""
        with self.connect(may_set_password=True) as connection:
            session = OathSession(connection)
            if session.locked and _remembered_by_ykman(session.device_id) is None:
                _remove_test_password(session)

    def names(self) -> list[bytes]:
        """Return the names of our accounts on it."""
        with self.connect() as connection:
            session = OathSession(connection)
            self.unlock(session)
            return [account.id for account in session.list_credentials() if is_ours(account.id)]

    def remove_ours(self) -> None:
        """Take away what is ours: the password, if it is the tests' own, and the accounts."""
        self.remove_password()
        for name in self.names():
            with self.connect() as connection:
                session = OathSession(connection)
                self.unlock(session)
                session.delete_credential(name)


def _remembered_by_ykman(device_id: str) -> bytes | None:
    questions = KeystoreQuestions(Terminal(os.environ))
    return remembered(device_id, lambda service: open_foreign(service, os.environ, questions))


def _remove_test_password(session: OathSession) -> None:
    try:
        session.validate(session.derive_key(TEST_PASSWORD))
    except ApduError:  # it is the owner's own
        return
    session.unset_key()
