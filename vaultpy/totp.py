"""The code that an MFA device shows, computed here: RFC 6238 with SHA-1, six digits and steps of 30 s."""

from __future__ import annotations

import base64
import hmac

from vaultpy.errors import BadSeed
from vaultpy.mfa import DIGITS
from vaultpy.values import Secret, Value

_LEAST_BYTES = 10  # 80 bits; AWS gives 320


class Seed(Value):
    """The secret that an MFA device and AWS share; as hard to show by accident as any `Secret`."""

    __slots__ = ("_base32",)
    _base32: Secret
    algorithm = "SHA1"

    def __init__(self, text: str) -> None:
        """Take it in Base32, as AWS gives it; spaces, small letters and missing `=` do no harm.

        Raises BadSeed.
        """
        base32 = "".join(text.split()).upper().rstrip("=")
        self._set(_base32=Secret(base32 + "=" * (-len(base32) % 8)))
        if len(self.reveal()) < _LEAST_BYTES:
            raise BadSeed(problem="it is too short")

    def reveal(self) -> bytes:
        """Return the bytes themselves."""
        try:
            return base64.b32decode(self._base32.reveal())
        except ValueError:
            raise BadSeed(problem="it is not Base32, which is written with A-Z and 2-7") from None


def totp(seed: Seed, step: int) -> Secret:
    """Return the six digits for a 30-second step since 1970."""
    digest = hmac.digest(seed.reveal(), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return Secret(f"{number % 10**DIGITS:0{DIGITS}}")
