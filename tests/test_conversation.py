"""A connection can be closed at any time, also while the key blinks."""

from __future__ import annotations

import threading

import pytest
from yubikit.core import TRANSPORT

from support.keys import READER, SEED, SERIAL, STEP, SimulatedCards
from support.on_yubikey import protect
from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.conversation import Conversation
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
    conversation = Conversation(cards.open(READER))
    yubikey = YubiKey(conversation)
    run = threading.Thread(target=yubikey.calculate, args=(ACCOUNT, STEP))
    run.start()
    finger.wait_until_blinking()
    conversation.close()
    assert cards.open_connections
    finger.press()
    run.join()
    assert not cards.open_connections


def test_a_closed_conversation_is_over() -> None:
    cards = SimulatedCards.with_key(SimulatedYubiKey())
    conversation = Conversation(cards.open(READER))
    conversation.close()
    conversation.close()
    with pytest.raises(errors.CardRemoved):
        YubiKey(conversation)
    assert not cards.apdus


def test_what_was_unlocked_is_locked_again_for_whoever_comes_next() -> None:
    key = SimulatedYubiKey()
    _, derived = protect(key)
    conversation = Conversation(SimulatedCards.with_key(key).open(READER))
    assert YubiKey(conversation).unlock(derived)
    assert key.transmit(LIST)[1] == 0x9000
    conversation.close()
    assert key.transmit(LIST)[1] == 0x6982


def test_what_was_not_unlocked_is_sent_nothing_at_the_end() -> None:
    cards = SimulatedCards.with_key(SimulatedYubiKey())
    conversation = Conversation(cards.open(READER))
    YubiKey(conversation)
    sent = len(cards.apdus)
    conversation.close()
    assert len(cards.apdus) == sent


def test_an_unlocked_key_that_went_is_closed_all_the_same() -> None:
    key = SimulatedYubiKey()
    _, derived = protect(key)
    connection = Removable(key, TRANSPORT.USB)
    conversation = Conversation(connection)
    assert YubiKey(conversation).unlock(derived)
    connection.is_removed = True
    conversation.close()
    assert connection.is_closed
