"""pyscard: the card readers, and a connection to the card in one of them.

We connect shared and hold a PC/SC transaction, leave the card as it is when we go, and never end another
program's process: `ykman.pcsc` connects exclusively and kills GnuPG's scdaemon, so it is not used. The low
rung `smartcard.scard` is used because pyscard's connection classes power the card down when they disconnect.

While another program's transaction runs, also one whose touch is waited for, pcscd lets SCardConnect and
SCardStatus wait for its end, and SCardGetStatusChange not. pyscard releases the interpreter's lock in each of
these (measured with pyscard 2.3 and pcsc-lite 1.9: another thread never stalls), so a blocking call on a
thread of its own leaves the main thread to its countdown and to Ctrl-C. The calls of one context may wait for
each other: each connection has its own, so that an opening that is given up holds up nothing else.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import Any, NoReturn

from smartcard import scard
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection

from vaultpy import errors
from vaultpy.pcsc_install import remedy

HELD_SECONDS = 3.0
_POLL_SECONDS = 0.1
_NOTICED_SECONDS = 2.0
_PROTOCOLS = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
_USB_ATR_HIGH_NIBBLE = 0xF0

_MISSING = {scard.SCARD_E_NO_SERVICE, scard.SCARD_E_SERVICE_STOPPED, scard.SCARD_F_COMM_ERROR}
_REFUSED = {scard.SCARD_W_SECURITY_VIOLATION, scard.SCARD_E_NO_ACCESS}
_RESET = {scard.SCARD_W_RESET_CARD, scard.SCARD_E_PROTO_MISMATCH}
_PASSING = _RESET | {scard.SCARD_E_SHARING_VIOLATION}
_RESETS = 5
_SELECT = bytes((0xA4, 0x04))
_REMOVED = {
    scard.SCARD_W_REMOVED_CARD,
    scard.SCARD_E_NO_SMARTCARD,
    scard.SCARD_E_READER_UNAVAILABLE,
    scard.SCARD_E_UNKNOWN_READER,
    scard.SCARD_W_UNPOWERED_CARD,
    scard.SCARD_W_UNRESPONSIVE_CARD,
}


def _fail(code: int) -> NoReturn:
    """Raise what a PC/SC return code means to a user."""
    reason = str(scard.SCardGetErrorMessage(code)).rstrip(".").lower()
    if code in _MISSING:
        _raise_if_forbidden()
        raise errors.PcscMissing(reason=reason, remedy=remedy())
    if code in _REFUSED:
        raise errors.PcscRefused
    if code in _REMOVED:
        raise errors.CardRemoved
    if code == scard.SCARD_E_SHARING_VIOLATION:
        raise errors.CardHeld
    raise errors.YubiKeyFailed(reason=reason)


def _raise_if_forbidden(platform: str = sys.platform) -> None:
    """Tell a socket that we may not open, which pcsc-lite reports like one that is not there."""
    if platform != "linux":
        return
    path = os.environ.get("PCSCLITE_CSOCK_NAME", "/run/pcscd/pcscd.comm")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except PermissionError:
            raise errors.PcscForbidden(path=path) from None
        except OSError:
            return


def _checked(answer: Any) -> Any:  # noqa: ANN401  # scard returns a code, or a tuple that begins with one
    """Return what stands behind the return code; raises what the code means if it is not success."""
    code, *rest = answer if isinstance(answer, list | tuple) else (answer,)
    if code != scard.SCARD_S_SUCCESS:
        _fail(code)
    return rest[0] if len(rest) == 1 else rest


class PcscCards:
    """The card readers of this computer."""

    def __init__(self) -> None:
        """Reach the smart card service; raises PcscMissing, PcscForbidden or PcscRefused."""
        self._context = _checked(scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))

    def readers(self) -> list[str]:
        """Return the names of the readers that hold a card."""
        return [name for name, state in self._states() if state & scard.SCARD_STATE_PRESENT]

    def empty_readers(self) -> list[str]:
        """Return the names of the readers that hold none."""
        return [name for name, state in self._states() if not state & scard.SCARD_STATE_PRESENT]

    def _states(self) -> list[tuple[str, int]]:
        code, names = scard.SCardListReaders(self._context, [])
        if code == scard.SCARD_E_NO_READERS_AVAILABLE:
            return []
        if code != scard.SCARD_S_SUCCESS:
            _fail(code)
        if not names:
            return []
        asked = [(name, scard.SCARD_STATE_UNAWARE) for name in names]
        code, states = scard.SCardGetStatusChange(self._context, 0, asked)
        if code == scard.SCARD_E_UNKNOWN_READER:  # unplugged since it was listed
            return []
        if code != scard.SCARD_S_SUCCESS:
            _fail(code)
        return [(name, state) for name, state, _ in states]

    def open(self, reader: str) -> PcscConnection:
        """Connect to the card in `reader`; waits for its turn, see the head of this file.

        Raises CardHeld, after 3 s, where a program holds it for itself alone, and CardRemoved.
        """
        return PcscConnection(reader)


class PcscConnection(SmartCardConnection):
    """A shared connection with a transaction: nobody's commands come between ours until `close`."""

    def __init__(self, reader: str) -> None:
        self._reader = reader
        self._card: object = None
        self._context = _checked(scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))
        try:
            self._card, self._protocol = _begin(self._context, reader)
            _, _, _, atr = _checked(scard.SCardStatus(self._card))
        except BaseException:
            self.close()
            raise
        usb = len(atr) > 1 and atr[1] & _USB_ATR_HIGH_NIBBLE == _USB_ATR_HIGH_NIBBLE
        self._transport = TRANSPORT.USB if usb else TRANSPORT.NFC

    @property
    def transport(self) -> TRANSPORT:
        """Tell USB from NFC, as yubikit does: by the ATR."""
        return self._transport

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Send one APDU and return its answer and status word; raises CardRemoved and its like."""
        code, received = scard.SCardTransmit(self._card, self._header(), list(apdu))
        for _ in range(_RESETS):
            if code not in _RESET or apdu[1:3] != _SELECT:
                break
            self._begin_again()
            code, received = scard.SCardTransmit(self._card, self._header(), list(apdu))
        if code == scard.SCARD_E_NOT_TRANSACTED:
            self._raise_when_removed()
        _checked(code)
        answer = bytes(received)
        if len(answer) < 2:  # noqa: PLR2004  # a status word
            raise errors.YubiKeyFailed(reason="an answer without a status word")
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def _begin_again(self) -> None:
        """Connect anew: pcscd resets the card after a program that died, also when we hold it already.

        Only before a SELECT, which starts from nothing anyway.
        """
        scard.SCardEndTransaction(self._card, scard.SCARD_LEAVE_CARD)
        scard.SCardDisconnect(self._card, scard.SCARD_LEAVE_CARD)
        self._card = None
        self._card, self._protocol = _begin(self._context, self._reader)

    def _header(self) -> object:
        return scard.SCARD_PCI_T1 if self._protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0

    def _raise_when_removed(self) -> None:
        """Raise CardRemoved if that is why a command failed: pcscd can notice it a moment later."""
        deadline = time.monotonic() + _NOTICED_SECONDS
        while time.monotonic() < deadline:
            _checked(scard.SCardStatus(self._card))
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """End the transaction and leave the card as it is; never raises, waits for a command under way.

        Without the disconnection pcscd would reset the card, for other programs too.
        """
        if self._card is not None:
            scard.SCardEndTransaction(self._card, scard.SCARD_LEAVE_CARD)
            scard.SCardDisconnect(self._card, scard.SCARD_LEAVE_CARD)
        scard.SCardReleaseContext(self._context)


def _begin(context: object, reader: str) -> tuple[object, int]:
    """Connect and begin a transaction; return the card and its protocol.

    Again for a while where another program holds the card for itself, or pcscd has reset it since we
    connected, as it does after a program that died in a transaction.
    """
    for _ in range(int(HELD_SECONDS / _POLL_SECONDS)):
        code, card, protocol = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, _PROTOCOLS)
        if code == scard.SCARD_S_SUCCESS:
            code = scard.SCardBeginTransaction(card)
            if code == scard.SCARD_S_SUCCESS:
                return card, protocol
            scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
        if code not in _PASSING:
            _fail(code)
        time.sleep(_POLL_SECONDS)
    raise errors.CardHeld
