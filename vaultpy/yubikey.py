"""yubikit: one YubiKey's OATH application over a connection that somebody else opened.

For a code only LIST and CALCULATE of the one account wanted are sent: CALCULATE ALL would hand over the codes
of every other account. Whether one wants a touch is not asked for either, but seen: CALCULATE then blocks.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from yubikit.core import (
    TRANSPORT,
    ApplicationNotAvailableError,
    BadResponseError,
    CommandError,
    NotSupportedError,
    Tlv,
)
from yubikit.core.smartcard import SW, ApduError, SmartCardConnection
from yubikit.management import ManagementSession
from yubikit.oath import (
    HASH_ALGORITHM,
    INS_CALCULATE_ALL,
    INS_LIST,
    OATH_TYPE,
    TAG_CHALLENGE,
    TAG_NAME,
    TAG_NAME_LIST,
    TAG_TOUCH,
    TAG_TRUNCATED,
    Credential,
    CredentialData,
    OathSession,
)

from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.mfa import STEP_SECONDS
from vaultpy.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.accounts_on_yubikeys import OathSecret

_TOUCH_TIMED_OUT = {SW.SECURITY_CONDITION_NOT_SATISFIED, SW.CONDITIONS_NOT_SATISFIED}
_TYPE_MASK, _ALGORITHM_MASK = 0xF0, 0x0F
_MALFORMED = (CommandError, NotSupportedError, ArithmeticError, LookupError, TypeError, ValueError)


class NoTouchError(Exception):
    """CALCULATE ended without a touch: after about 15 s, or refused by the card."""


class RefusedError(Exception):
    """The key did not do what it was told; `status` is the status word."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"{status:04x}")


class Identity(Value):
    """Who a key is: its serial number, which other makers' tokens do not have, and whether it is FIPS."""

    __slots__ = ("fips", "serial")
    serial: str | None
    fips: bool

    def __init__(self, serial: str | None, *, fips: bool) -> None:
        self._set(serial=serial, fips=fips)


@contextmanager
def _border() -> Iterator[None]:
    """Let nothing of yubikit's out but what a user can be told."""
    try:
        yield
    except ApduError as error:
        raise errors.YubiKeyFailed(reason=f"status {error.sw:04x}") from None
    except _MALFORMED as error:
        raise errors.YubiKeyFailed(reason=type(error).__name__) from None


@contextmanager
def _touch_border() -> Iterator[None]:
    """Let NoTouchError out too, where a touch was waited for in vain."""
    with _border():
        try:
            yield
        except ApduError as error:
            if error.sw in _TOUCH_TIMED_OUT:
                raise NoTouchError from None
            raise


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
        self.version: tuple[int, ...] = tuple(self._oath.version)
        self.over_usb = connection.transport is TRANSPORT.USB

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
        """Try a derived password; tell whether it fits. YubiKeys answer 6A80 to a wrong one, others 6984.

        Raises YubiKeyFailed for a key that cannot show that it knows the password itself.
        """
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
        with _touch_border():
            return str(self._oath.calculate_code(credential, step * STEP_SECONDS).value)

    def hmac(self, account: Account, challenge: bytes) -> bytes:
        """Return an account's whole answer to a challenge; blocks for the touch. Raises as `calculate`."""
        with _touch_border():
            return bytes(self._oath.calculate(account.id, challenge))

    def touch_wanted(self) -> dict[bytes, bool | None]:
        """Tell by id which accounts want a touch; None for HOTP, of which the key does not say.

        Only CALCULATE ALL does. It is sent for the step 0, in 1970, and the codes in its answer are not read.
        """
        told = {TAG_TOUCH: True, TAG_TRUNCATED: False}
        with _border():
            challenge = Tlv(TAG_CHALLENGE, bytes(8))
            objects = Tlv.parse_list(self._oath.protocol.send_apdu(0, INS_CALCULATE_ALL, 0, 1, challenge))
            pairs = zip(objects[::2], objects[1::2], strict=True)
            return {bytes(Tlv.unpack(TAG_NAME, name)): told.get(answer.tag) for name, answer in pairs}

    def put(self, name: str, secret: OathSecret) -> None:
        """Store what makes TOTP codes and wants a touch, in the place of one of that name; RefusedError."""
        algorithm = HASH_ALGORITHM[secret.algorithm]
        data = CredentialData(name, OATH_TYPE.TOTP, algorithm, secret.reveal(), period=STEP_SECONDS)
        with _border():
            try:
                self._oath.put_credential(data, touch_required=True)
            except ApduError as error:
                raise RefusedError(error.sw) from None

    def delete(self, name: str) -> bool:
        """Delete the account of that name; tell whether there was one."""
        with _border():
            try:
                self._oath.delete_credential(name.encode())
            except ApduError as error:
                if error.sw != SW.DATA_INVALID:
                    raise
                return False
            return True


def _account(entry: bytes) -> Account:
    """Return the account of one LIST entry: a byte of type and algorithm, then the id."""
    oath_type, algorithm = OATH_TYPE(entry[0] & _TYPE_MASK), HASH_ALGORITHM(entry[0] & _ALGORITHM_MASK)
    account_id = entry[1:]
    period, slash, _ = account_id.partition(b"/")
    odd_period = bool(slash) and period.isdigit() and int(period) != STEP_SECONDS
    kind = f"{oath_type.name}, {algorithm.name}" + (f", {period.decode()} s" if odd_period else "")
    fits = oath_type == OATH_TYPE.TOTP and algorithm == HASH_ALGORITHM.SHA1 and not odd_period
    return Account(account_id, kind, fits=fits)
