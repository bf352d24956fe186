"""The simulated key under yubikit's own lowest rung, so that its sessions run on it unmodified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection

if TYPE_CHECKING:
    from vaultpy.simulated.yubikey import SimulatedYubiKey


class SimulatedConnection(SmartCardConnection):
    """A connection to a simulated key, over USB (extended APDUs) or NFC (short ones)."""

    def __init__(self, key: SimulatedYubiKey, transport: TRANSPORT = TRANSPORT.USB) -> None:
        self._key = key
        self._transport = transport

    @property
    def transport(self) -> TRANSPORT:
        """The transport that yubikit chooses its APDU format by."""
        return self._transport

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Hand `apdu` to the key and return its data and status word."""
        return self._key.transmit(apdu)
