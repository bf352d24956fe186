"""The management application of a YubiKey: who it is and which of its applications are on.

Read-only; the format is that of `yubikit.management`, which reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.simulated.apdu import CardError, Command, StatusWord, tlv

if TYPE_CHECKING:
    from collections.abc import Callable

OATH = 0x20
_ALL = 0x01 | 0x02 | 0x08 | 0x10 | OATH | 0x200  # OTP, U2F, OpenPGP, PIV, OATH, FIDO2
_USB_A_KEYCHAIN = 0x01
_FIPS_FORM = 0x80
_FIPS_OATH = 0x08
_FIPS_REPORTED_SINCE = (5, 7, 0)


class ManagementApplet:
    """Tells serial number, firmware, form factor and capabilities.

    `oath_enabled` and `oath_protected` are asked at each reading, since both can change.
    """

    aid = bytes.fromhex("a000000527471117")
    more = 0xC0

    def __init__(
        self,
        serial: int,
        version: tuple[int, int, int],
        *,
        fips: bool,
        oath_enabled: Callable[[], bool],
        oath_protected: Callable[[], bool],
    ) -> None:
        self._serial = serial
        self._version = version
        self._fips = fips
        self._oath_enabled = oath_enabled
        self._oath_protected = oath_protected
        self.instructions = {0x1D: ("READ CONFIG", self._read_config)}

    def select(self) -> bytes:
        """Return the firmware's version as the text that YubiKeys answer with."""
        return b"Virtual mgr - FW version %d.%d.%d" % self._version

    def execute(self, command: Command) -> bytes:
        """Answer one of `instructions`; raises CardError."""
        return self.instructions[command.ins][1](command)

    def _read_config(self, command: Command) -> bytes:
        if command.p1:
            raise CardError(StatusWord.WRONG_P1P2)
        supported = _ALL.to_bytes(2, "big")
        enabled = (_ALL if self._oath_enabled() else _ALL & ~OATH).to_bytes(2, "big")
        form = _USB_A_KEYCHAIN | (_FIPS_FORM if self._fips else 0)
        objects = {
            0x01: supported,
            0x02: self._serial.to_bytes(4, "big"),
            0x03: enabled,
            0x04: bytes((form,)),
            0x05: bytes(self._version),
            0x06: bytes(2),  # auto-eject off
            0x07: bytes((15,)),  # challenge-response time-out, seconds
            0x08: bytes(1),  # no device flags
            0x0A: bytes(1),  # configuration not locked
            0x0D: supported,
            0x0E: enabled,
        }
        if self._fips and self._version >= _FIPS_REPORTED_SINCE:
            objects[0x14] = _FIPS_OATH.to_bytes(2, "big")
            objects[0x15] = (_FIPS_OATH if self._oath_protected() else 0).to_bytes(2, "big")
        info = b"".join(tlv(tag, value) for tag, value in objects.items())
        return bytes((len(info),)) + info
