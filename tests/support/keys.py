"""Both sides of a YubiKey: simulated keys in readers, and a person who does what the test says."""

from __future__ import annotations

import select
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from yubikit.core import TRANSPORT

from vaultpy import errors
from vaultpy.mfa import CodeWanted
from vaultpy.oath_passwords import OathPasswords
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret
from vaultpy.yubikey_choice import YubiKeyChoice
from vaultpy.yubikey_search import YubiKeySearch
from vaultpy.yubikeys import YubiKeys
from vaultpy.yubikeys_at_hand import Selection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from typing_extensions import Self
    from yubikit.core.smartcard import SmartCardConnection

    from vaultpy.errors import VaultpyError
    from vaultpy.simulated.yubikey import SimulatedYubiKey

SERIAL = "arn:aws:iam::123456789012:mfa/alice"
SEED = b"12345678901234567890"
STEP = 37037036
"""RFC 6238's time 1111111109 is in this step of 30 s."""
DIGITS = "081804"
"""The last six digits of RFC 6238's code for SEED at STEP."""
READER = "Yubico YubiKey OTP+FIDO+CCID 00 00"

_REAL_PATIENCE = 30.0
_TURN_SECONDS = 20.0


def wanted(
    *mfa_serials: str, user_name: str = "alice", account: str | None = None, reason: str = ""
) -> CodeWanted:
    """Return a wish for alice's code."""
    purpose = "arn:aws:iam::123456789012:role/dev for dev-role"
    return CodeWanted(mfa_serials or (SERIAL,), user_name, account=account, purpose=purpose, reason=reason)


class SimulatedCards:
    """Readers with simulated keys in them; knows which connections are open, and every APDU.

    A connection has its key for itself until it is closed, as by a PC/SC transaction.
    """

    def __init__(self, **keys: SimulatedYubiKey) -> None:
        self._closed = threading.Condition()
        self.keys: dict[str, SimulatedYubiKey | None] = dict(keys)
        self.open_connections: list[RecordedConnection] = []
        self.apdus: list[bytes] = []
        self.opening: Callable[[str], object] = lambda _reader: None

    @classmethod
    def with_key(cls, key: SimulatedYubiKey) -> Self:
        """Return one YubiKey's reader with `key` in it."""
        cards = cls()
        cards.keys[READER] = key
        return cards

    def readers(self) -> list[str]:
        """Return the readers with a key."""
        return [name for name, key in self.keys.items() if key is not None]

    def empty_readers(self) -> list[str]:
        """Return the readers without one."""
        return [name for name, key in self.keys.items() if key is None]

    def open(self, reader: str) -> SmartCardConnection:
        """Connect to the key in `reader` once nobody else is; `opening` may block or raise."""
        self.opening(reader)
        key = self.keys.get(reader)
        if key is None:
            raise errors.CardRemoved
        transport = TRANSPORT.USB if "YubiKey" in reader else TRANSPORT.NFC
        connection = RecordedConnection(key, transport, self)
        with self._closed:
            assert self._closed.wait_for(lambda: not self._is_connected(key), _TURN_SECONDS), "never closed"
            self.open_connections.append(connection)
        return connection

    def close(self, connection: RecordedConnection) -> None:
        """End a connection; a second time is a mistake."""
        with self._closed:
            self.open_connections.remove(connection)
            self._closed.notify_all()

    def _is_connected(self, key: SimulatedYubiKey) -> bool:
        return any(each.key is key for each in self.open_connections)


class RecordedConnection(SimulatedConnection):
    """A connection that notes what passes."""

    def __init__(self, key: SimulatedYubiKey, transport: TRANSPORT, cards: SimulatedCards) -> None:
        super().__init__(key, transport)
        self.key = key
        self._cards = cards

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Note the command and pass it on."""
        self._cards.apdus.append(apdu)
        return super().send_and_receive(apdu)

    def close(self) -> None:
        """Let the next one have the key."""
        self._cards.close(self)


class ScriptedPerson:
    """Sits at the terminal: at each pause does the next of `deeds`; one that returns a text types it.

    The clock moves at pauses alone. Without deeds left, a pause that watches something waits for it.
    """

    def __init__(self, *deeds: Callable[[], object]) -> None:
        self.deeds = list(deeds)
        self.told: list[str] = []
        self.asked: list[str] = []
        self.password: str | None = None
        self.agrees = False
        self.now = 0.0

    def clock(self) -> float:
        """Return the time by this person's watch."""
        return self.now

    @contextmanager
    def waiting(self, text: str, seconds: float) -> Iterator[ScriptedPerson]:
        """Note what is waited for."""
        del seconds
        self.told.append(text)
        yield self

    def pause(self, seconds: float, wake: socket.socket | None) -> str | None:
        """Do the next deed."""
        if self.deeds:
            typed = self.deeds.pop(0)()
            if isinstance(typed, str):
                return typed
        elif wake is not None:
            select.select([wake], [], [], _REAL_PATIENCE)
        self.now += seconds
        return None

    def note(self, text: str) -> None:
        """Hear what is said."""
        self.told.append(text)

    def confirm(self, question: str) -> bool:
        """Agree, or not."""
        self.asked.append(question)
        return self.agrees

    def secret(self, question: str, otherwise: VaultpyError) -> Secret:
        """Type the password; without one there is no terminal."""
        if self.password is None:
            raise otherwise
        self.asked.append(question)
        return Secret(self.password)

    def confirm_account(self, mfa_serial: str, account: str, where: str) -> None:
        """Agree to the account, or not."""
        self.asked.append(f"{account} on {where} for {mfa_serial}")
        if not self.agrees:
            raise errors.AccountUnconfirmed(account=account, mfa_serial=mfa_serial)


class Quiet:
    """Nothing goes on meanwhile; counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0

    def prepare(self) -> None:
        """Count."""
        self.begun += 1

    def check(self) -> None:
        """Find nothing wrong."""


class Desk:
    """Keys, a person, and vaultpy between them."""

    def __init__(self, cards: SimulatedCards, person: ScriptedPerson | None = None) -> None:
        self.cards = cards
        self.person = person or ScriptedPerson()
        self.keystore = MemoryKeystore[Secret]()
        self.selection = Selection()
        self.yubico_on_usb = False
        self.meanwhile = Quiet()
        self.ykman: dict[str, bytes] = {}

    def search(self) -> YubiKeySearch:
        """Return a search for a key."""
        return YubiKeySearch(
            self.cards,
            self.selection,
            person=self.person,
            passwords=OathPasswords(self.ykman.get, lambda: self.keystore, self.person),
            yubico_on_usb=lambda: self.yubico_on_usb,
            clock=self.person.clock,
        )

    def choice(self) -> YubiKeyChoice:
        """Return the choice of a key to write to."""
        return YubiKeyChoice(
            self.cards,
            self.selection,
            person=self.person,
            passwords=OathPasswords(self.ykman.get, lambda: self.keystore, self.person),
            yubico_on_usb=lambda: self.yubico_on_usb,
            clock=self.person.clock,
        )

    def yubikeys(self) -> YubiKeys:
        """Return the keys as an MFA device."""
        return YubiKeys(self.search, self.person, self.person.clock)

    def code(self, wish: CodeWanted | None = None) -> str:
        """Return the digits for STEP."""
        token_code = self.yubikeys().token_code(wish or wanted(), lambda _serial: STEP, self.meanwhile)
        return token_code.digits.reveal()
