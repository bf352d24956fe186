"""The keys at hand are visited one by one; how they are waited for is in the tests of the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.keys import READER, Quiet, ScriptedPerson, SimulatedCards
from vaultpy import errors
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.yubikeys_at_hand import DigitsTypedError, Selection, YubiKeysAtHand

if TYPE_CHECKING:
    from vaultpy.yubikeys_at_hand import Visit

SECOND = "Yubico YubiKey OTP+FIDO+CCID 01 00"


def at_hand(cards: SimulatedCards, person: ScriptedPerson, serial: str | None = None) -> YubiKeysAtHand:
    selection = Selection(serial)
    return YubiKeysAtHand(cards, selection, person=person, yubico_on_usb=lambda: False, clock=person.clock)


def leave(visit: Visit) -> str:
    """Take the key's name, and let it go."""
    visit.connection.close()
    return visit.where


def test_all_keys_are_visited_and_a_problem_with_one_is_told_in_its_place() -> None:
    cards = SimulatedCards(**{READER: SimulatedYubiKey(1), SECOND: SimulatedYubiKey(2)})

    def held(reader: str) -> None:
        if reader == READER:
            raise errors.CardHeld

    cards.opening = held
    (first, problem), second = at_hand(cards, ScriptedPerson()).all(leave, Quiet())
    assert (first, type(problem)) == (READER, errors.CardHeld)
    assert second == (SECOND, "YubiKey 2")
    assert cards.open_connections == []


def test_only_the_selected_key_is_shown_and_the_others_are_let_go() -> None:
    cards = SimulatedCards(**{READER: SimulatedYubiKey(1), SECOND: SimulatedYubiKey(2)})
    assert at_hand(cards, ScriptedPerson(), "2").all(leave, Quiet()) == [(SECOND, "YubiKey 2")]
    assert cards.open_connections == []


def test_a_visit_that_fails_lets_the_key_go() -> None:
    cards = SimulatedCards.with_key(SimulatedYubiKey())

    def fail(_visit: Visit) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        at_hand(cards, ScriptedPerson()).first(fail, Quiet())
    assert cards.open_connections == []


def test_the_one_who_waits_says_for_what_and_for_how_long() -> None:
    person = ScriptedPerson()
    with pytest.raises(errors.NoYubiKey, match="within 40 s"):
        at_hand(SimulatedCards(), person).first(leave, Quiet(), invitation="plug in any", seconds=40)
    assert person.told == ["plug in any"]
    assert 40 <= person.now < 41


def test_a_card_in_another_reader_is_named_and_how_to_have_it_looked_at() -> None:
    cards = SimulatedCards(**{"Somebody's Token 00": SimulatedYubiKey(1)})
    with pytest.raises(errors.CardPassedOver) as raised:
        at_hand(cards, ScriptedPerson()).first(leave, Quiet())
    assert "Somebody's Token 00" in raised.value.message
    assert raised.value.hint.endswith("""export VAULTPY_READER='Somebody'"'"'s Token 00'""")
    assert cards.apdus == []


def test_digits_that_are_typed_end_the_wait() -> None:
    with pytest.raises(DigitsTypedError) as typed:
        at_hand(SimulatedCards(), ScriptedPerson(lambda: "123456")).first(leave, Quiet())
    assert typed.value.digits == "123456"
    assert "123456" not in str(typed.value) + repr(typed.value)
