"""MFA devices of the simulated AWS: virtual (or hardware) ones with a TOTP seed, and FIDO entries without."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

STEP = 30  # seconds
REACH = 20
"""How many steps back Enable and Resync look for their codes: ten minutes, an assumption (unproven A6)."""


def totp(seed: bytes, step: int) -> str:
    """Return the six digits of RFC 6238 (SHA-1) for the 30-second step `step` (unproven A33)."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"


@dataclass
class MfaDevice:
    """A device that makes codes; it is enabled since `enabled_at` (epoch seconds), or is not.

    `out_of_sync` makes AWS unable to validate any, until a resync.
    """

    serial: str
    seed: bytes = field(repr=False)
    enabled_at: float | None = None
    last_step: int = -1
    out_of_sync: bool = False

    def code(self, at: float) -> str:
        """Return the code that the device shows at the time `at` (epoch seconds)."""
        return totp(self.seed, int(at) // STEP)

    def spend(self, code: str, now: float) -> bool:
        """Tell whether `code` is good at `now` (epoch seconds), and use it up together with all earlier ones.

        AWS documents that each code works once. It publishes neither its window (unproven A1) nor whether it
        takes a step that has not begun (unproven A2): one step either side is an assumption, as is that codes
        older than the last one used are refused (unproven A3).
        """
        current = int(now) // STEP
        for step in (current - 1, current, current + 1):
            if step > self.last_step and hmac.compare_digest(totp(self.seed, step), code):
                self.last_step = step
                return True
        return False

    def synchronize(self, codes: Sequence[str], now: float) -> bool:
        """Tell whether the two codes are those of steps in a row, and use them up with all earlier ones.

        AWS documents that codes which are sent too late are taken all the same, and leave the device out of
        sync. It publishes neither how late that is (unproven A6), nor whether a step is taken that has not
        begun, nor whether the codes count as used (unproven A5): a second code older than the previous step,
        no and yes are assumptions.
        """
        current = int(now) // STEP
        for step in range(current, current - REACH, -1):
            right = totp(self.seed, step - 1) + totp(self.seed, step)
            if step - 1 > self.last_step and hmac.compare_digest(right, "".join(codes)):
                self.last_step = step
                self.out_of_sync = step < current - 1
                return True
        return False


@dataclass
class FidoDevice:
    """A security key or passkey: it is listed among a user's devices, and cannot serve API calls."""

    serial: str
    enabled_at: float | None
