"""A connection can be closed at any time, also while the key blinks."""

from __future__ import annotations

import threading

import pytest

from support.keys import READER, SEED, SERIAL, STEP, SimulatedCards
from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.conversation import Conversation
from vaultpy.simulated.finger import PressedFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.yubikey import YubiKey

ACCOUNT = Account(SERIAL.encode(), "TOTP, SHA1", fits=True)


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
