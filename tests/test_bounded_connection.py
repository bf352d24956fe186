"""A connection can be closed at any time, also while the key blinks."""

from __future__ import annotations

import threading

import pytest
from yubikit.core import TRANSPORT

from support.keys import READER, SEED, SERIAL, STEP, SimulatedCards
from support.on_yubikey import protect
from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.bounded_connection import BoundedConnection
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import PressedFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.yubikey import YubiKey

ACCOUNT = Account(SERIAL.encode(), "TOTP, SHA1", fits=True)
LIST = bytes([0, 0xA1, 0, 0])


class Removable(SimulatedConnection):
    """A connection to a key that somebody pulls out."""

    is_removed = is_closed = False

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Pass the command on while the key is there."""
        if self.is_removed:
            raise errors.CardRemoved
        return super().send_and_receive(apdu)

    def close(self) -> None:
        """Be closed."""
        self.is_closed = True


def test_closing_while_the_key_blinks_does_not_wait_but_is_done_when_it_ends() -> None:
    finger = PressedFinger()
    key = SimulatedYubiKey(finger=finger)
    key.add_account(SERIAL, SEED, touch=True)
    cards = SimulatedCards.with_key(key)
    connection = BoundedConnection(cards.open(READER))
    yubikey = YubiKey(connection)
    run = threading.Thread(target=yubikey.calculate, args=(ACCOUNT, STEP))
    run.start()
    finger.wait_until_blinking()
    connection.close()
    assert cards.open_connections
    finger.press()
    run.join()
    assert not cards.open_connections


def test_a_closed_connection_is_over() -> None:
    cards = SimulatedCards.with_key(SimulatedYubiKey())
    connection = BoundedConnection(cards.open(READER))
    connection.close()
    connection.close()
    with pytest.raises(errors.CardRemoved):
        YubiKey(connection)
    assert not cards.apdus


def test_what_was_unlocked_is_locked_again_for_whoever_comes_next() -> None:
    key = SimulatedYubiKey()
    _, derived = protect(key)
    connection = BoundedConnection(SimulatedCards.with_key(key).open(READER))
    assert YubiKey(connection).unlock(derived)
    assert key.transmit(LIST)[1] == 0x9000
    connection.close()
    assert key.transmit(LIST)[1] == 0x6982


def test_what_was_not_unlocked_is_sent_nothing_at_the_end() -> None:
    cards = SimulatedCards.with_key(SimulatedYubiKey())
    connection = BoundedConnection(cards.open(READER))
    YubiKey(connection)
    sent = len(cards.apdus)
    connection.close()
    assert len(cards.apdus) == sent


def test_an_unlocked_key_that_went_is_closed_all_the_same() -> None:
    key = SimulatedYubiKey()
    _, derived = protect(key)
    behind = Removable(key, TRANSPORT.USB)
    connection = BoundedConnection(behind)
    assert YubiKey(connection).unlock(derived)
    behind.is_removed = True
    connection.close()
    assert behind.is_closed
