"""The key to write to is the one that is named, the only one, or the next one: never a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from yubikit.oath import OathSession

from support.keys import READER, SEED, SERIAL, Desk, ScriptedPerson, SimulatedCards
from vaultpy import errors
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.yubikey_in_hand import YubiKeyInHand
from vaultpy.yubikeys_at_hand import Selection

if TYPE_CHECKING:
    from vaultpy.values import Secret

SECOND = "Yubico YubiKey OTP+FIDO+CCID 01 00"
NEO = (3, 4, 3)


def desk_with(*keys: SimulatedYubiKey) -> Desk:
    return Desk(SimulatedCards(**dict(zip((READER, SECOND), keys, strict=False))))


def locked(serial: int = 12345678) -> SimulatedYubiKey:
    key = SimulatedYubiKey(serial)
    session = OathSession(SimulatedConnection(key))
    session.set_key(session.derive_key("open sesame"))
    return key


def names(key: SimulatedYubiKey) -> list[str]:
    return [call.name for call in key.calls]


def test_the_only_key_is_taken_without_a_word_and_not_held() -> None:
    desk = desk_with(SimulatedYubiKey(1))
    key = desk.choice().first()
    assert (key.where, key.serial, key.id) == ("YubiKey 1", "1", "1")
    assert desk.person.told == []
    assert desk.cards.open_connections == []


def test_of_two_keys_none_is_taken_and_both_are_named() -> None:
    desk = desk_with(SimulatedYubiKey(1), SimulatedYubiKey(2))
    with pytest.raises(errors.SeveralYubiKeys) as refusal:
        desk.choice().first()
    assert refusal.value.message.endswith(": YubiKey 1, YubiKey 2")
    assert desk.cards.open_connections == []


def test_a_second_key_that_does_not_answer_may_be_meant_too() -> None:
    desk = desk_with(SimulatedYubiKey(1), SimulatedYubiKey(2, oath_enabled=False))
    with pytest.raises(errors.SeveralYubiKeys) as refusal:
        desk.choice().first()
    assert refusal.value.message.endswith(f": YubiKey 1, {SECOND}")


def test_a_named_key_is_taken_whatever_is_wrong_with_another() -> None:
    desk = desk_with(SimulatedYubiKey(1), SimulatedYubiKey(2))
    desk.selection = Selection("1")

    def held(reader: str) -> None:
        if reader == SECOND:
            raise errors.CardHeld

    desk.cards.opening = held
    assert desk.choice().first().where == "YubiKey 1"


def test_of_two_keys_the_named_one_is_taken_and_the_others_oath_never_opened() -> None:
    other = SimulatedYubiKey(1)
    desk = desk_with(other, SimulatedYubiKey(2))
    desk.selection = Selection("2")
    assert desk.choice().first().where == "YubiKey 2"
    assert set(names(other)) == {"SELECT", "READ CONFIG"}


def test_a_named_key_that_is_not_here_is_asked_for_by_its_number() -> None:
    desk = desk_with(SimulatedYubiKey(1))
    desk.selection = Selection("2")
    with pytest.raises(errors.YubiKeyAbsent, match="what is: YubiKey 1"):
        desk.choice().first()
    assert desk.person.told == ["plug in YubiKey 2"]


def test_where_there_is_none_it_is_waited_for() -> None:
    desk = desk_with()
    desk.person.deeds = [lambda: None, lambda: desk.cards.keys.update({READER: SimulatedYubiKey(1)})]
    assert desk.choice().first().where == "YubiKey 1"
    assert desk.person.told == ["plug in your YubiKey"]


def test_where_none_comes_no_code_is_asked_for_instead() -> None:
    desk = desk_with()
    with pytest.raises(errors.NothingToWriteTo, match="within 15 s"):
        desk.choice().first()
    assert 15 <= desk.person.now < 16


def test_digits_that_are_typed_are_no_key() -> None:
    desk = Desk(SimulatedCards(), ScriptedPerson(lambda: "123456"))
    desk.person.deeds.append(lambda: desk.cards.keys.update({READER: SimulatedYubiKey(1)}))
    assert desk.choice().first().where == "YubiKey 1"


def test_a_yubico_device_without_a_card_reader_is_named() -> None:
    desk = desk_with()
    desk.yubico_on_usb = True
    with pytest.raises(errors.NoCardReader):
        desk.choice().first()


def test_oath_switched_off_is_said_so() -> None:
    desk = desk_with(SimulatedYubiKey(oath_enabled=False))
    with pytest.raises(errors.OathOff):
        desk.choice().first()
    assert desk.cards.open_connections == []


# ---- another -----------------------------------------------------------------------------------------


def test_the_next_key_is_asked_for_while_the_first_is_still_plugged_in() -> None:
    desk = desk_with(SimulatedYubiKey(1))
    first = desk.choice().first()
    desk.person.deeds = [lambda: None, lambda: desk.cards.keys.update({SECOND: SimulatedYubiKey(2)})]
    assert desk.choice().another([first]).where == "YubiKey 2"
    assert desk.person.told == ["plug in the next YubiKey"]
    assert desk.cards.open_connections == []


def test_the_next_key_may_take_the_place_of_the_first() -> None:
    desk = desk_with(SimulatedYubiKey(1))
    desk.selection = Selection("1")
    first = desk.choice().first()
    desk.person.deeds = [
        lambda: desk.cards.keys.update({READER: None}),
        lambda: desk.cards.keys.update({READER: SimulatedYubiKey(2)}),
    ]
    assert desk.choice().another([first]).where == "YubiKey 2"


def test_a_next_key_that_is_here_already_is_taken_without_a_word() -> None:
    desk = desk_with(SimulatedYubiKey(1), SimulatedYubiKey(2))
    desk.selection = Selection("1")
    assert desk.choice().another([desk.choice().first()]).where == "YubiKey 2"
    assert desk.person.told == []


def test_a_key_that_is_done_is_not_taken_again_nor_for_a_device_without_oath() -> None:
    desk = desk_with(SimulatedYubiKey(1))
    desk.yubico_on_usb = True
    first = desk.choice().first()
    with pytest.raises(errors.NothingToWriteTo, match="within 120 s"):
        desk.choice().another([first])
    assert 120 <= desk.person.now < 121


def test_keys_without_a_serial_number_are_told_apart_by_their_oath() -> None:
    desk = desk_with(SimulatedYubiKey(version=NEO))
    first = desk.choice().first()
    assert (first.serial, first.where) == (None, f"the token in {READER}")
    desk.person.deeds = [lambda: desk.cards.keys.update({SECOND: SimulatedYubiKey(None)})]
    assert desk.choice().another([first]).where == f"the token in {SECOND}"


# ---- the password ------------------------------------------------------------------------------------


def test_a_locked_key_is_unlocked_once_for_all_and_not_held_while_the_password_is_asked_for() -> None:
    key = locked()
    desk = desk_with(key)
    held: list[int] = []

    class Typist(ScriptedPerson):
        def secret(self, question: str, otherwise: errors.VaultpyError) -> Secret:
            held.append(len(desk.cards.open_connections))
            return super().secret(question, otherwise)

    desk.person = Typist()
    desk.person.password = "open sesame"
    chosen = desk.choice().first()
    chosen.check(SERIAL)
    chosen.accounts()
    assert held == [0]
    assert desk.person.asked == ["OATH password of YubiKey 12345678", "remember it in the keystore?"]


def test_a_wrong_password_is_said_so() -> None:
    desk = desk_with(locked())
    desk.person.password = "open barley"
    with pytest.raises(errors.OathPasswordWrong):
        desk.choice().first()
    assert desk.cards.open_connections == []


# ---- all ---------------------------------------------------------------------------------------------


def test_all_keys_are_shown_with_the_problem_of_those_that_have_one() -> None:
    broken = SimulatedYubiKey(2, oath_enabled=False)
    key = SimulatedYubiKey(1)
    key.add_account(SERIAL, SEED)
    desk = desk_with(key, broken)
    (where, chosen), (reader, problem) = desk.choice().all()
    assert isinstance(chosen, YubiKeyInHand)
    assert (where, [held.account.name for held in chosen.accounts()]) == ("YubiKey 1", [SERIAL])
    assert (reader, type(problem)) == (SECOND, errors.OathOff)


def test_a_locked_key_that_nobody_unlocks_is_one_with_a_problem() -> None:
    desk = desk_with(locked(1), SimulatedYubiKey(2))
    (where, problem), (_, other) = desk.choice().all()
    assert (where, type(problem)) == ("YubiKey 1", errors.OathPasswordNeeded)
    assert isinstance(other, YubiKeyInHand)


def test_where_there_are_no_keys_none_is_asked_for() -> None:
    desk = desk_with()
    assert desk.choice().all() == []
    assert not desk.choice().any_here()
    assert desk.person.told == []


def test_whether_a_key_is_here_is_told_without_asking_it() -> None:
    key = SimulatedYubiKey()
    assert desk_with(key).choice().any_here()
    assert key.calls == []
