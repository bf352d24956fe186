"""A real YubiKey under test, named by its serial number, with one account of our own on it for a moment.

Only accounts whose names begin with PREFIX are ever written, calculated or removed, and OATH is never reset.
One that a killed run left behind is removed at the next start.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from vaultpy.key_search import KeySearch, Selection
from vaultpy.oath_passwords import OathPasswords
from vaultpy.pcsc import PcscCards
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.terminal import Terminal
from vaultpy.usb import yubico_on_usb
from vaultpy.values import Secret
from vaultpy.ykman_passwords import remembered
from vaultpy.yubikey import identify
from vaultpy.yubikeys import YubiKeys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import NoReturn

    from vaultpy.background import Waiting
    from vaultpy.errors import VaultpyError

PREFIX = "vaultpy-hardware-test "


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the key's serial number."""
    parser.addoption("--serial", help="serial number of the YubiKey under test, as `ykman list` shows it")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to guess which key may be written to."""
    if not config.getoption("--serial"):
        raise pytest.UsageError("name the YubiKey under test: --serial NUMBER (see: ykman list)")


class Attendant:
    """Whoever sits beside the key and touches it when told; agrees to the account, which is ours."""

    def __init__(self) -> None:
        self._terminal = Terminal(os.environ)

    def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]:
        """Say what is waited for."""
        return self._terminal.waiting(text, seconds, typing=False)

    def confirm_account(self, mfa_serial: str, account: str, where: str) -> None:
        """Agree, if the account is ours."""
        del mfa_serial, where
        assert account.startswith(PREFIX)

    def confirm(self, question: str) -> bool:
        """Have nothing remembered."""
        del question
        return False

    def secret(self, question: str, otherwise: VaultpyError) -> NoReturn:
        """Type no password: ykman has to know it (ykman oath access remember)."""
        del question
        raise otherwise


class KeyUnderTest:
    """The YubiKey with that serial number."""

    def __init__(self, serial: str) -> None:
        self.serial = serial

    @contextmanager
    def oath(self) -> Iterator[OathSession]:
        """Open its OATH application, unlocked; nobody else gets at it meanwhile."""
        cards = PcscCards()
        for reader in cards.readers():
            connection = cards.open(reader)
            try:
                if identify(connection).serial == self.serial:
                    session = OathSession(connection)
                    _unlock(session)
                    yield session
                    return
            finally:
                connection.close()
        pytest.exit(f"YubiKey {self.serial} is not plugged in", returncode=1)

    def as_mfa_device(self) -> YubiKeys:
        """Return the key as vaultpy uses it."""
        attendant = Attendant()
        passwords = OathPasswords(remembered, MemoryKeystore[Secret], attendant)
        selection = Selection(self.serial, os.environ.get("VAULTPY_READER"))

        def search() -> KeySearch:
            return KeySearch(
                PcscCards(),
                selection,
                person=attendant,
                passwords=passwords,
                yubico_on_usb=yubico_on_usb,
            )

        return YubiKeys(search, attendant)

    def names(self) -> list[bytes]:
        """Return the names of our accounts on it."""
        with self.oath() as session:
            listed = [credential.id for credential in session.list_credentials()]
        return [name for name in listed if name.startswith(PREFIX.encode())]

    def remove_ours(self) -> None:
        """Remove our accounts."""
        for name in self.names():
            with self.oath() as session:
                session.delete_credential(name)


class ThrowAway(NamedTuple):
    """An account that lasts for one test."""

    name: str
    secret: bytes


@pytest.fixture(scope="session")
def key(request: pytest.FixtureRequest) -> Iterator[KeyUnderTest]:
    """Provide the key, without accounts of ours before and after."""
    found = KeyUnderTest(str(request.config.getoption("--serial")))
    found.remove_ours()
    yield found
    found.remove_ours()


@pytest.fixture
def account(key: KeyUnderTest) -> Iterator[ThrowAway]:
    """Put an account on the key that wants a touch; take it away afterwards."""
    made = ThrowAway(PREFIX + secrets.token_hex(4), secrets.token_bytes(20))
    data = CredentialData(made.name, OATH_TYPE.TOTP, HASH_ALGORITHM.SHA1, made.secret)
    with key.oath() as session:
        session.put_credential(data, touch_required=True)
    yield made
    key.remove_ours()


def _unlock(session: OathSession) -> None:
    if session.locked:
        derived = remembered(session.device_id)
        if derived is None:
            pytest.exit("OATH has a password; let ykman know it: ykman oath access remember", returncode=1)
        session.validate(derived)
