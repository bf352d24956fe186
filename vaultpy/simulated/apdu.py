"""ISO 7816-4 commands, status words and TLV objects, as a smart card reads and writes them."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

CHAINED = 0x10
"""The bit of CLA that says: the next command continues this one's data."""

_HEADER = 4
_SHORT_LE_MAX = 256
_EXTENDED_LE_MAX = 65536


class StatusWord(IntEnum):
    """How a command ended; the names follow ISO 7816-4, section 5.1.3."""

    OK = 0x9000
    WRONG_LENGTH = 0x6700
    SECURITY_NOT_SATISFIED = 0x6982
    DATA_INVALID = 0x6984
    CONDITIONS_NOT_SATISFIED = 0x6985
    WRONG_DATA = 0x6A80
    NOT_FOUND = 0x6A82
    NO_SPACE = 0x6A84
    WRONG_P1P2 = 0x6B00
    WRONG_INSTRUCTION = 0x6D00
    WRONG_CLASS = 0x6E00


class CardError(Exception):
    """A command that ends with a status word other than 9000, and without data."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"{status:04X}")


class Command(NamedTuple):
    """One command APDU; `le` is the most bytes that the host wants at once, where it said so."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None


def parse_command(apdu: bytes) -> Command:
    """Read a short or extended command APDU of any of ISO's cases; raises CardError 6700."""
    if len(apdu) < _HEADER:
        raise CardError(StatusWord.WRONG_LENGTH)
    cla, ins, p1, p2 = apdu[:_HEADER]
    body = apdu[_HEADER:]
    if not body:
        return Command(cla, ins, p1, p2)
    extended = body[0] == 0 and len(body) > 1
    width, most = (2, _EXTENDED_LE_MAX) if extended else (1, _SHORT_LE_MAX)
    body = body[1:] if extended else body
    if len(body) == width:
        return Command(cla, ins, p1, p2, b"", int.from_bytes(body, "big") or most)
    length = int.from_bytes(body[:width], "big")
    data, rest = body[width : width + length], body[width + length :]
    if len(data) != length or len(rest) not in {0, width}:
        raise CardError(StatusWord.WRONG_LENGTH)
    return Command(cla, ins, p1, p2, data, (int.from_bytes(rest, "big") or most) if rest else None)


def tlv(tag: int, value: bytes) -> bytes:
    """Return the object `tag` with `value`, its length in BER's form."""
    length = len(value)
    if length < 0x80:  # noqa: PLR2004  # BER: above this, the first byte counts the length's own bytes
        return bytes((tag, length)) + value
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + value


def take_tlv(data: bytes) -> tuple[int, bytes, bytes]:
    """Return the first object's tag and value, and what follows it; raises CardError 6A80."""
    try:
        tag, length, start = data[0], data[1], 2
        if length > 0x80:  # noqa: PLR2004  # BER: as in tlv
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
    except IndexError:
        raise CardError(StatusWord.WRONG_DATA) from None
    value = data[start : start + length]
    if len(value) != length:
        raise CardError(StatusWord.WRONG_DATA)
    return tag, value, data[start + length :]
