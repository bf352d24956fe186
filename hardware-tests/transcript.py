"""APDU conversations in the text format of cunicu/go-ykoath's recordings, scrubbed of whose key it was.

A line is `on START END METHOD COMMAND ANSWER`: milliseconds since the beginning, then hexadecimal, the answer
with its status word. Zeros stand for the salt, by which a key is known until OATH is reset. Accounts that are
not ours are left out of the list; an answer in parts is joined for that. Neither serial number nor host is in
such a conversation, and one with a key that has an OATH password is refused.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from guard import is_ours
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection

from vaultpy.simulated.apdu import StatusWord, parse_command, take_tlv, tlv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SELECT, _LIST, _SEND_REMAINING = 0xA4, 0xA1, 0xA5
_SALT, _CHALLENGE, _LISTED = 0x71, 0x74, 0x72
_HEADER = """\
mockfile

file version v3

meta attr.channel.type {channel}
meta yubikey.version {version}

#     start      end method
"""


class UnscrubbableError(Exception):
    """A conversation that would tell more than it may."""


class Exchange(NamedTuple):
    """A command and its answer with status word; sent and answered when, by the recorder's clock."""

    sent: float
    answered: float
    command: bytes
    data: bytes
    status: int


class Recorder(SmartCardConnection):
    """A connection that keeps what goes over it; `clock` counts seconds."""

    def __init__(self, connection: SmartCardConnection, clock: Callable[[], float] = time.monotonic) -> None:
        self.exchanges: list[Exchange] = []
        self.began = clock()
        self._connection = connection
        self._clock = clock

    @property
    def transport(self) -> TRANSPORT:
        """The transport behind."""
        return self._connection.transport

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Send `apdu`, and keep it with its answer."""
        sent = self._clock()
        data, status = self._connection.send_and_receive(apdu)
        self.exchanges.append(Exchange(sent, self._clock(), apdu, data, status))
        return data, status

    def transcript(self, version: str) -> str:
        """Return the conversation as text; `version` is the firmware's. Raises UnscrubbableError."""
        channel = "usb" if self.transport == TRANSPORT.USB else "nfc"
        lines = [_line(0.0, 0.0, "BeginTransaction")]
        for sent, answered, command, data, status in map(_scrubbed, _joined(self.exchanges)):
            words = f"Transmit {command.hex()} {data.hex()}{status:04x}"
            lines.append(_line(sent - self.began, answered - self.began, words))
        end = self._clock() - self.began
        lines.append(_line(end, end, "EndTransaction"))
        return _HEADER.format(channel=channel, version=version) + "".join(lines)


def _line(start: float, end: float, words: str) -> str:
    return f"on {start * 1000:8.3f} {end * 1000:8.3f} {words}\n"


def _joined(exchanges: list[Exchange]) -> Iterator[Exchange]:
    """Join the parts of a long answer, as if it had come whole."""
    whole: Exchange | None = None
    for exchange in exchanges:
        if whole is not None and parse_command(exchange.command).ins == _SEND_REMAINING:
            whole = whole._replace(
                answered=exchange.answered, data=whole.data + exchange.data, status=exchange.status
            )
            continue
        if whole is not None:
            yield whole
        whole = exchange
    if whole is not None:
        yield whole


def _scrubbed(exchange: Exchange) -> Exchange:
    if exchange.status != StatusWord.OK:
        return exchange
    ins = parse_command(exchange.command).ins
    if ins == _SELECT:
        return exchange._replace(data=b"".join(_without_salt(exchange.data)))
    if ins == _LIST:
        return exchange._replace(data=b"".join(_only_ours(exchange.data)))
    return exchange


def _without_salt(data: bytes) -> Iterator[bytes]:
    for tag, value in _objects(data):
        if tag == _CHALLENGE:
            raise UnscrubbableError("the key has an OATH password, and a recording would hold a proof of it")
        yield tlv(tag, bytes(len(value)) if tag == _SALT else value)


def _only_ours(data: bytes) -> Iterator[bytes]:
    for tag, value in _objects(data):
        if tag == _LISTED and is_ours(value[1:]):
            yield tlv(tag, value)


def _objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        tag, value, data = take_tlv(data)
        yield tag, value
