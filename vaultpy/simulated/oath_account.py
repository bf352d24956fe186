"""One account of the OATH application: what PUT says about it, and the codes that it makes."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from vaultpy.simulated.apdu import CardError, StatusWord, tlv

NAME, NAME_LIST, KEY, CHALLENGE, RESPONSE, TRUNCATED = 0x71, 0x72, 0x73, 0x74, 0x75, 0x76
HOTP_HERE, PROPERTY, VERSION, COUNTER, ALGORITHM, TOUCH_HERE = 0x77, 0x78, 0x79, 0x7A, 0x7B, 0x7C

HOTP, TOTP = 0x10, 0x20
SHA1, SHA256, SHA512 = 0x01, 0x02, 0x03
HASHES = {SHA1: "sha1", SHA256: "sha256", SHA512: "sha512"}

_REQUIRE_TOUCH = 0x02
_DIGITS = range(6, 9)
_TOUCH_SINCE = (4, 2, 6)
_SHA512_SINCE = (4, 3, 1)


@dataclass
class Account:
    """An account as the card stores it; `kind` and `algorithm` are the protocol's numbers."""

    secret: bytes = field(repr=False)
    kind: int = TOTP
    algorithm: int = SHA1
    digits: int = 6
    touch: bool = False
    counter: int = 0

    @classmethod
    def parse(cls, fields: dict[int, bytes], version: tuple[int, int, int]) -> Account:
        """Read PUT's objects as firmware `version` does; raises CardError 6A80."""
        key = fields.get(KEY, b"")
        if len(key) < 3:  # noqa: PLR2004  # kind and algorithm, digits, and a secret after them
            raise CardError(StatusWord.WRONG_DATA)
        kind, algorithm, digits = key[0] & 0xF0, key[0] & 0x0F, key[1]
        touch = bool(fields.get(PROPERTY, bytes(1))[0] & _REQUIRE_TOUCH)
        allowed = (
            kind in {HOTP, TOTP}
            and algorithm in HASHES
            and digits in _DIGITS
            and (algorithm != SHA512 or version >= _SHA512_SINCE)
            and (not touch or version >= _TOUCH_SINCE)
        )
        if not allowed:
            raise CardError(StatusWord.WRONG_DATA)
        counter = int.from_bytes(fields.get(COUNTER, b""), "big")
        return cls(key[2:], kind, algorithm, digits, touch, counter)

    def answer(self, challenge: bytes, *, truncate: bool) -> bytes:
        """Return what answers CALCULATE: the code as a number (RFC 4226), or the whole HMAC (unproven Y2)."""
        digest = hmac.digest(self.secret, challenge, HASHES[self.algorithm])
        if not truncate:
            return tlv(RESPONSE, bytes((self.digits,)) + digest)
        offset = digest[-1] & 0x0F
        number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
        return tlv(TRUNCATED, bytes((self.digits,)) + (number % 10**self.digits).to_bytes(4, "big"))
