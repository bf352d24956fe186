"""A simulated YubiKey as a virtual smart card: a client of vsmartcard's reader driver, libifdvpcd.

The driver listens on TCP. Each message is two bytes of length, big-endian, and that many bytes: one byte
alone is a control (power off, power on, reset, send the ATR), anything longer a command APDU. Only APDUs and
the question for the ATR are answered.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from support.pcscd import Reader
    from vaultpy.simulated.yubikey import SimulatedYubiKey

USB_ATR = bytes.fromhex("3bfd1300008131fe158073c021c057597562694b657940")
"""A YubiKey 5 over USB, as recorded by cunicu/go-ykoath."""

NFC_ATR = bytes.fromhex("3b8d80018073c021c057597562694b6579f9")
"""The same historical bytes behind a contactless reader: TS 3B, T0 8D, as PC/SC part 3 builds it."""

_POWER_ON, _SEND_ATR = b"\1", b"\4"
_ONE_LOOK_LATER = 2
_LENGTH_ALONE = bytes((0, 2))


class VirtualCard:
    """`key` in the slot of `reader`, plugged in while the context lasts."""

    def __init__(self, key: SimulatedYubiKey, reader: Reader, atr: bytes = USB_ATR) -> None:
        self._key = key
        self._reader = reader
        self._atr = atr
        self._socket: socket.socket | None = None
        self._thread = threading.Thread()
        self._pulled = threading.Event()

    def __enter__(self) -> Self:
        self.insert()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pull()

    def insert(self) -> None:
        """Plug the key in; returns as soon as pcscd has noticed."""
        self._reader.wait_until(present=False)
        self._pulled.clear()
        self._socket = socket.create_connection(("127.0.0.1", self._reader.port))
        self._thread = threading.Thread(target=self._serve, args=(self._socket,), daemon=True)
        self._thread.start()
        try:
            self._reader.wait_until(present=True)
        except TimeoutError:
            self._pull()
            raise

    def remove(self) -> None:
        """Pull the key out, also in the middle of a command; returns as soon as pcscd has noticed."""
        self._pull()
        self._reader.wait_until(present=False)

    def _pull(self) -> None:
        """Break off in the middle of an answer, with a reset: the command under way fails.

        The driver takes an end, or a reset before the answer's length, for an empty answer that went well.
        """
        if self._socket is None:
            return
        self._pulled.set()
        self._socket.shutdown(socket.SHUT_RD)
        self._key.reset()
        self._thread.join()
        with suppress(ConnectionError):
            self._socket.sendall(_LENGTH_ALONE)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
        self._socket = None

    def _serve(self, connection: socket.socket) -> None:
        # pcscd logs that a card came, except where its first look at the reader meets it already. Power is
        # followed by one question for the ATR; the second is the next look, so the first has been noted.
        powered, questions = False, 0
        while message := _receive(connection):
            if message == _SEND_ATR:
                _send(connection, self._atr)
                questions += 1
                if powered and questions == _ONE_LOOK_LATER:
                    self._reader.notice(present=True)
            elif len(message) == 1:
                self._key.reset()
                if message == _POWER_ON:
                    powered, questions = True, 0
            else:
                data, status = self._key.transmit(message)
                if self._pulled.is_set():
                    return
                _send(connection, data + status.to_bytes(2, "big"))


def _receive(connection: socket.socket) -> bytes:
    """Return the next message, or nothing at the end of the connection."""
    length = _read(connection, 2)
    return _read(connection, int.from_bytes(length, "big")) if length else b""


def _read(connection: socket.socket, count: int) -> bytes:
    # The driver writes a control and the question after it separately, with Nagle's algorithm on: it would
    # hold the second back until our kernel's delayed acknowledgement, 40 ms later. Linux forgets this option.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    try:
        data = connection.recv(count, socket.MSG_WAITALL)
    except ConnectionError:
        return b""
    return data if len(data) == count else b""


def _send(connection: socket.socket, message: bytes) -> None:
    with suppress(ConnectionError):  # pcscd may have ended; the next read tells
        connection.sendall(len(message).to_bytes(2, "big") + message)
