"""What may be sent to a real key: a list of commands, and of ours only those about accounts of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yubikit.core.smartcard import SmartCardConnection

from vaultpy.simulated.apdu import CHAINED, Command, parse_command, take_tlv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yubikit.core import TRANSPORT

PREFIX = b"vaultpy-hardware-test "
PERIOD = b"60/"
"""What hosts put before the name of an account whose steps are of 60 s."""

_NAME = 0x71
_ABOUT_ACCOUNTS = {0x01, 0x02, 0x05, 0xA2}  # PUT, DELETE, RENAME, CALCULATE
_SET_CODE = 0x03
# The dummy of yubikit's touch workaround on firmware 4.2, READ CONFIG, LIST, VALIDATE, SEND REMAINING.
_HARMLESS = {0x00, 0x1D, 0xA1, 0xA3, 0xA5}
_SELECT = (0xA4, 0x04)


class ForbiddenError(Exception):
    """A command that has no business on somebody's key; it was not sent."""


class Guard(SmartCardConnection):
    """A connection that sends nothing about other accounts, no RESET, and no password unless it may."""

    def __init__(self, connection: SmartCardConnection, *, may_set_password: bool = False) -> None:
        self._connection = connection
        self._may_set_password = may_set_password

    @property
    def transport(self) -> TRANSPORT:
        """The transport behind."""
        return self._connection.transport

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Send `apdu`; raises ForbiddenError."""
        command = parse_command(apdu)
        if not self._allows(command):
            raise ForbiddenError(f"{command.ins:02x} {command.p1:02x} {command.p2:02x}")
        return self._connection.send_and_receive(apdu)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _allows(self, command: Command) -> bool:
        if command.cla & CHAINED:  # what we send fits into one
            return False
        if command.ins in _ABOUT_ACCOUNTS:
            names = list(_names(command.data))
            return bool(names) and all(map(is_ours, names))
        if command.ins == _SET_CODE:
            return self._may_set_password
        return command.ins in _HARMLESS or (command.ins, command.p1) == _SELECT


def is_ours(name: bytes) -> bool:
    """Tell whether an account is one of these tests'."""
    return name.removeprefix(PERIOD).startswith(PREFIX)


def _names(data: bytes) -> Iterator[bytes]:
    """Give the names that a command begins with: two for RENAME, one for the others."""
    while data and data[0] == _NAME:
        _, name, data = take_tlv(data)
        yield name
