"""yubikit: one YubiKey's OATH application over a connection that somebody else opened.

Only LIST and CALCULATE of the one account wanted are sent: CALCULATE ALL would hand over the codes of every
other account. Whether an account wants a touch is not asked for either, but seen: CALCULATE then blocks.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from yubikit.core import (
    TRANSPORT,
    ApplicationNotAvailableError,
    BadResponseError,
    NotSupportedError,
    Tlv,
)
from yubikit.core.smartcard import SW, ApduError, SmartCardConnection
from yubikit.management import ManagementSession
from yubikit.oath import HASH_ALGORITHM, INS_LIST, OATH_TYPE, TAG_NAME_LIST, Credential, OathSession

from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.mfa import STEP_SECONDS
from vaultpy.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOUCH_TIMED_OUT = {SW.SECURITY_CONDITION_NOT_SATISFIED, SW.CONDITIONS_NOT_SATISFIED}
_TYPE_MASK, _ALGORITHM_MASK = 0xF0, 0x0F
_MALFORMED = (BadResponseError, NotSupportedError, ArithmeticError, LookupError, TypeError, ValueError)
_MOST_EXCHANGES = 200
_MOST_BYTES = 20_000


class NoTouchError(Exception):
    """CALCULATE ended without a touch: after about 15 s, or refused by the card."""


class Identity(Value):
    """Who a key is: its serial number, which other makers' tokens do not have, and whether it is FIPS."""

    __slots__ = ("fips", "serial")
    serial: str | None
    fips: bool

    def __init__(self, serial: str | None, *, fips: bool) -> None:
        self._set(serial=serial, fips=fips)


class Conversation(SmartCardConnection):
    """A connection that comes to an end whatever the card does, and that can be closed at any time.

    64 accounts are listed in under 5000 bytes: a card that goes on answering for more than the limits here is
    out of order. Closed while a command waits for a touch, it closes the connection behind it when that ends.
    """

    def __init__(self, connection: SmartCardConnection) -> None:
        """Take over `connection`, closing it included."""
        self._connection = connection
        self._turn = threading.Lock()
        self._talking = False
        self._closed = False
        self._exchanges = self._bytes = 0

    @property
    def transport(self) -> TRANSPORT:
        """The transport behind."""
        return self._connection.transport

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Send `apdu`; raises YubiKeyFailed when the card has said too much."""
        self._begin()
        try:
            data, status = self._connection.send_and_receive(apdu)
        finally:
            self._end()
        self._exchanges += 1
        self._bytes += len(data)
        if self._exchanges > _MOST_EXCHANGES or self._bytes > _MOST_BYTES:
            raise errors.YubiKeyFailed(reason="it does not come to an end")
        return data, status

    def _begin(self) -> None:
        with self._turn:
            if self._closed:
                raise errors.CardRemoved
            self._talking = True

    def _end(self) -> None:
        with self._turn:
            self._talking = False
            close_now = self._closed
        if close_now:
            self._connection.close()

    def close(self) -> None:
        """Close the connection: now, or when the command under way ends, but never wait for that."""
        with self._turn:
            now = not self._talking and not self._closed
            self._closed = True
        if now:
            self._connection.close()


@contextmanager
def _border() -> Iterator[None]:
    """Let nothing of yubikit's out but what a user can be told."""
    try:
        yield
    except ApduError as error:
        raise errors.YubiKeyFailed(reason=f"status {error.sw:04x}") from None
    except _MALFORMED as error:
        raise errors.YubiKeyFailed(reason=type(error).__name__) from None


def identify(connection: SmartCardConnection) -> Identity:
    """Ask the management application who this is; to be asked before OATH is selected."""
    with _border():
        try:
            info = ManagementSession(connection).read_device_info()
        except (ApplicationNotAvailableError, NotSupportedError):  # other makers' tokens, and the YubiKey NEO
            return Identity(None, fips=False)
        return Identity(None if info.serial is None else str(info.serial), fips=info.is_fips)


class YubiKey:
    """The OATH application of one key."""

    def __init__(self, connection: SmartCardConnection) -> None:
        """Select it; raises OathOff where there is none."""
        self._connection = connection
        with _border():
            try:
                self._oath = OathSession(connection)
            except ApplicationNotAvailableError:
                raise errors.OathOff from None
        self.device_id: str = self._oath.device_id

    @property
    def has_password(self) -> bool:
        """Whether an OATH password is set."""
        return bool(self._oath.has_key)

    @property
    def locked(self) -> bool:
        """Whether the OATH password is still wanted."""
        return bool(self._oath.locked)

    def derive(self, password: str) -> bytes:
        """Return the 16 bytes that stand for the OATH password on this key (PBKDF2, 1000 rounds)."""
        return bytes(self._oath.derive_key(password))

    def unlock(self, derived: bytes) -> bool:
        """Try a derived password; tell whether it fits. YubiKeys answer 6A80 to a wrong one, others 6984."""
        with _border():
            try:
                self._oath.validate(derived)
            except ApduError as error:
                if error.sw not in {SW.INCORRECT_PARAMETERS, SW.DATA_INVALID}:
                    raise
            except BadResponseError:
                raise errors.YubiKeyFailed(reason="it does not know its own password") from None
            else:
                return True
            self._oath = OathSession(self._connection)
            return False

    def accounts(self) -> list[Account]:
        """List the accounts."""
        with _border():
            answer = self._oath.protocol.send_apdu(0, INS_LIST, 0, 0)
            entries = [bytes(Tlv.unpack(TAG_NAME_LIST, tlv)) for tlv in Tlv.parse_list(answer)]
            return [_account(entry) for entry in entries]

    def calculate(self, account: Account, step: int) -> str:
        """Return the digits for a 30-second step; blocks for the touch. Raises NoTouchError, CardRemoved."""
        credential = Credential(
            self.device_id, account.id, None, "", OATH_TYPE.TOTP, STEP_SECONDS, touch_required=None
        )
        with _border():
            try:
                code = self._oath.calculate_code(credential, step * STEP_SECONDS)
            except ApduError as error:
                if error.sw in _TOUCH_TIMED_OUT:
                    raise NoTouchError from None
                raise
            return str(code.value)


def _account(entry: bytes) -> Account:
    """Return the account of one LIST entry: a byte of type and algorithm, then the id."""
    oath_type, algorithm = OATH_TYPE(entry[0] & _TYPE_MASK), HASH_ALGORITHM(entry[0] & _ALGORITHM_MASK)
    account_id = entry[1:]
    period, slash, _ = account_id.partition(b"/")
    odd_period = bool(slash) and period.isdigit() and int(period) != STEP_SECONDS
    kind = f"{oath_type.name}, {algorithm.name}" + (f", {period.decode()} s" if odd_period else "")
    fits = oath_type == OATH_TYPE.TOTP and algorithm == HASH_ALGORITHM.SHA1 and not odd_period
    return Account(account_id, kind, fits=fits)
