"""Tokens of other makes that speak the OATH protocol, each differing from a YubiKey as real ones do.

What is simulated was measured with three independent implementations behind pcscd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaultpy.simulated.apdu import StatusWord
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from vaultpy.simulated.finger import Finger

_HEADER = 4
_PUT, _SET_CODE, _VALIDATE = 0x01, 0x03, 0xA3


@dataclass(frozen=True)
class Make:
    """How a make of token differs: status words, and whether SET CODE locks it at once."""

    wrong_password: int = StatusWord.WRONG_DATA
    put_again: int = StatusWord.OK
    locks_at_once: bool = False
    untouched: int = StatusWord.CONDITIONS_NOT_SATISFIED
    salt: bytes | None = None


MAKES = {
    "one": Make(wrong_password=StatusWord.WRONG_DATA, locks_at_once=True),
    "two": Make(wrong_password=StatusWord.DATA_INVALID, put_again=StatusWord.CONDITIONS_NOT_SATISFIED),
    "three": Make(wrong_password=StatusWord.DATA_INVALID, locks_at_once=True, salt=bytes(8)),
}
"""The three, as far as they are known."""


class OtherToken(SimulatedYubiKey):
    """A token of another `make`: OATH alone, short APDUs, long answers by `61xx` and INS A5."""

    def __init__(self, make: Make, *, finger: Finger | None = None, touch_timeout: float = 15.0) -> None:
        super().__init__(
            None, (5, 4, 3), finger=finger, touch_timeout=touch_timeout, untouched_status=make.untouched
        )
        self.make = make
        if make.salt is not None:  # as on every token of its make
            self._oath._salt = make.salt  # noqa: SLF001  # a part of this one

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """Answer as a YubiKey does, but for what differs."""
        if len(apdu) > _HEADER + 1 and apdu[_HEADER] == 0:  # an extended length
            return b"", StatusWord.WRONG_LENGTH
        instruction = (apdu[1:2] or b"\0")[0]
        if instruction == _PUT and self.make.put_again != StatusWord.OK and self._has(apdu):
            return b"", self.make.put_again
        data, status = super().transmit(apdu)
        if instruction == _VALIDATE and status == StatusWord.WRONG_DATA:
            return data, self.make.wrong_password
        if instruction == _SET_CODE and status == StatusWord.OK and self.make.locks_at_once:
            self._oath._unlocked = not self._oath.protected  # noqa: SLF001  # a part of this one
        return data, status

    def _has(self, apdu: bytes) -> bool:
        """Tell whether a PUT names an account that is there."""
        length = apdu[_HEADER + 2]
        return apdu[_HEADER + 3 : _HEADER + 3 + length] in self._oath.accounts
