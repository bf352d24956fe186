"""An access key that lives on a YubiKey: the OATH account that holds its secret, and what is asked of it.

SigV4 begins with the day key, HMAC-SHA256("AWS4" + secret, "YYYYMMDD"). That is what the OATH application
answers, untruncated, for an account of type TOTP with SHA-256 whose secret is "AWS4" + secret, if the date is
the challenge. So the secret is written to the key once, and can be used there, but not read.
"""

from __future__ import annotations

import time

from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.sts_calls import Sts
    from vaultpy.values import Secret

KIND = "TOTP, SHA256"
"""What sort of account it is, in the words of `accounts.Account.kind`; any other would not do."""
ISSUER = "vaultpy"
_DAY = 24 * 60 * 60
_NEAR_SECONDS = 30 * 60  # AWS takes no clock that is off by 15 minutes, and one may have been set since
_GRACE_SECONDS = 5 * 60  # of the 15 minutes by which AWS lets a stamp be old


class Signing(Value):
    """How a day key is asked for: of the YubiKey with the serial number `yubikey`, while `sts` is prepared.

    With `before_code` a second touch will be asked for; one that is kept serves if `cache` says so.
    """

    __slots__ = ("before_code", "cache", "sts", "yubikey")
    yubikey: str | None
    sts: Sts | None
    before_code: bool
    cache: bool

    def __init__(
        self,
        yubikey: str | None = None,
        sts: Sts | None = None,
        *,
        before_code: bool = False,
        cache: bool = True,
    ) -> None:
        self._set(yubikey=yubikey, sts=sts, before_code=before_code, cache=cache)


def account_name(access_key_id: str) -> str:
    """Return the name of the OATH account, `vaultpy:AKIA...`: never an MFA serial, nor the QR code's form."""
    return f"{ISSUER}:{access_key_id}"


def access_key_id_of(account_id: bytes) -> str | None:
    """Return the access key id in an account's id as the card has it; None for any other account."""
    issuer, colon, key_id = account_id.partition(b":")
    named = issuer == ISSUER.encode() and colon and key_id.isalnum() and key_id.isascii()
    return key_id.decode() if named else None


def account_secret(secret: Secret) -> bytes:
    """Return the account's secret: 44 bytes for AWS's secrets of 40; HMAC-SHA256 takes 64 as they are."""
    return f"AWS4{secret.reveal()}".encode()


def aws_date(epoch: float) -> str:
    """Return the date in UTC of AWS's time `epoch`, as `20261120`."""
    return time.strftime("%Y%m%d", time.gmtime(epoch))


def is_near_midnight(epoch: float) -> bool:
    """Tell whether, by a clock that may be off, AWS may have another date than that of `epoch`."""
    return not _NEAR_SECONDS <= epoch % _DAY < _DAY - _NEAR_SECONDS


def still_signs(date: str, epoch: float) -> bool:
    """Tell whether the day key of `date` is good for a run that begins to sign at AWS's time `epoch`."""
    return date in {aws_date(epoch), aws_date(epoch - _GRACE_SECONDS)}


def challenge(date: str) -> bytes:
    """Return the eight bytes to ask for the day key of `date` with; raises ValueError for no such text.

    No code of any MFA device is ever asked for with them: as the number of a time step they would be of a
    time over three thousand billion years ahead.
    """
    asked = date.encode("ascii")
    if len(asked) != 8 or not asked.isdigit():  # noqa: PLR2004  # YYYYMMDD
        raise ValueError(date)
    return asked
