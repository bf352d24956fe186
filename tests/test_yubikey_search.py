"""The key that has the account is found: here, plugged in later, among others, or not at all."""

from __future__ import annotations

import threading

import pytest
from yubikit.oath import OathSession

from support.keys import (
    DIGITS,
    READER,
    SEED,
    SERIAL,
    Desk,
    ScriptedPerson,
    SimulatedCards,
    wanted,
)
from vaultpy import errors
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.yubikey_search import Found
from vaultpy.yubikeys_at_hand import Selection

SECOND = "Yubico YubiKey OTP+FIDO+CCID 01 00"
NFC = "ACS ACR122U PICC Interface 00 00"
ALIAS_NAME = "Amazon Web Services:alice@acme"


def key(serial: int | None = 12345678, name: str = SERIAL) -> SimulatedYubiKey:
    made = SimulatedYubiKey(serial)
    made.add_account(name, SEED)
    return made


def find(desk: Desk) -> Found:
    found = desk.search().find(wanted(), desk.meanwhile)
    assert isinstance(found, Found)
    return found


def test_a_key_that_is_here_is_taken_without_a_word() -> None:
    desk = Desk(SimulatedCards.with_key(key()))
    found = find(desk)
    assert (found.where, found.choice.account.name) == ("YubiKey 12345678", SERIAL)
    assert desk.person.told == []
    found.connection.close()
    assert desk.cards.open_connections == []


def test_a_key_that_is_absent_is_waited_for_and_found_when_it_comes() -> None:
    desk = Desk(SimulatedCards())
    desk.person.deeds = [lambda: None, lambda: desk.cards.keys.update({READER: key()})]
    assert find(desk).where == "YubiKey 12345678"
    assert desk.person.told == ["plug in your YubiKey"]
    assert desk.meanwhile.begun == 1


def test_a_key_that_never_comes_is_given_up_after_15_s() -> None:
    desk = Desk(SimulatedCards())
    with pytest.raises(errors.NoYubiKey, match="within 15 s"):
        find(desk)
    assert 15 <= desk.person.now < 16


def test_a_yubico_device_without_a_card_reader_is_named() -> None:
    desk = Desk(SimulatedCards())
    desk.yubico_on_usb = True
    with pytest.raises(errors.NoCardReader):
        find(desk)


def test_digits_typed_while_a_key_is_waited_for_win() -> None:
    desk = Desk(SimulatedCards(), ScriptedPerson(lambda: None, lambda: "123456"))
    assert desk.search().find(wanted(), desk.meanwhile) == "123456"


def test_what_goes_wrong_meanwhile_ends_the_wait() -> None:
    class Failing:
        def prepare(self) -> None:
            pass

        def check(self) -> None:
            raise errors.Unreachable(host="sts", reason="no network")

    desk = Desk(SimulatedCards())
    with pytest.raises(errors.Unreachable):
        desk.search().find(wanted(), Failing())


def test_other_cards_are_not_touched() -> None:
    bank_card = SimulatedYubiKey()
    desk = Desk(SimulatedCards(**{"Gemalto PC Twin Reader 00 00": bank_card, READER: key()}))
    find(desk)
    assert bank_card.calls == []


def test_of_two_keys_the_one_with_the_account_is_found_and_the_other_let_go() -> None:
    desk = Desk(SimulatedCards(**{READER: key(1, "GitHub:alice"), SECOND: key(2)}))
    assert find(desk).where == "YubiKey 2"
    assert len(desk.cards.open_connections) == 1


def test_of_two_keys_the_told_one_is_used_and_the_others_oath_never_opened() -> None:
    other = key(1)
    desk = Desk(SimulatedCards(**{READER: other, SECOND: key(2)}))
    desk.selection = Selection("2")
    assert find(desk).where == "YubiKey 2"
    assert [call.name for call in other.calls] == ["SELECT", "READ CONFIG"]


def test_a_told_key_is_waited_for_though_another_is_here() -> None:
    desk = Desk(SimulatedCards.with_key(key(1)))
    desk.selection = Selection("2")
    desk.person.deeds = [lambda: desk.cards.keys.update({SECOND: key(2)})]
    assert find(desk).where == "YubiKey 2"
    assert desk.person.told == ["plug in YubiKey 2"]


def test_a_key_that_takes_anothers_place_is_looked_at() -> None:
    desk = Desk(SimulatedCards.with_key(key(1)))
    desk.selection = Selection("2")
    desk.person.deeds = [
        lambda: desk.cards.keys.update({READER: None}),
        lambda: desk.cards.keys.update({READER: key(2)}),
    ]
    assert find(desk).where == "YubiKey 2"


def test_a_told_key_that_never_comes_is_named_beside_those_that_are_here() -> None:
    desk = Desk(SimulatedCards(**{READER: key(1), NFC: key(3)}))
    desk.selection = Selection("2")
    with pytest.raises(errors.YubiKeyAbsent) as refusal:
        find(desk)
    assert refusal.value.message == "YubiKey 2 is not plugged in; what is: YubiKey 1"
    assert desk.cards.open_connections == []


def test_a_reader_is_used_only_when_it_is_told() -> None:
    cards = SimulatedCards(**{NFC: key()})
    with pytest.raises(errors.NoYubiKey):
        find(Desk(cards))
    desk = Desk(cards)
    desk.selection = Selection(reader="acr122")
    assert find(desk).where == "YubiKey 12345678"


def test_over_nfc_every_command_is_short() -> None:
    desk = Desk(SimulatedCards(**{NFC: key()}))
    desk.selection = Selection(reader="ACR122")
    assert desk.code() == DIGITS
    assert all(len(apdu) == 4 or apdu[4] for apdu in desk.cards.apdus if apdu[1] not in {0xA1, 0x1D})
    assert [apdu for apdu in desk.cards.apdus if apdu[1] == 0xA1] == [bytes.fromhex("00a1000000")]


def test_an_empty_reader_that_was_told_waits_for_the_key() -> None:
    desk = Desk(SimulatedCards())
    desk.cards.keys[NFC] = None
    desk.selection = Selection(reader="ACR122")
    desk.person.deeds = [lambda: desk.cards.keys.update({NFC: key()})]
    find(desk)
    assert desk.person.told == ["put your YubiKey on the reader ACR122"]
    desk.cards.keys[NFC] = None
    with pytest.raises(errors.NoYubiKey):
        find(desk)


def test_a_reader_that_is_not_there_is_named_beside_those_that_are() -> None:
    desk = Desk(SimulatedCards(**{READER: key()}))
    desk.selection = Selection(reader="Omnikey")
    with pytest.raises(errors.ReaderAbsent) as refusal:
        find(desk)
    assert refusal.value.message == f"no card reader has Omnikey in its name; what is there: {READER}"


def test_a_token_of_another_make_is_named_after_its_reader() -> None:
    assert find(Desk(SimulatedCards.with_key(key(None)))).where == f"the token in {READER}"


def test_an_unsure_account_is_confirmed_before_its_code_is_calculated() -> None:
    unsure = key(name=ALIAS_NAME)
    desk = Desk(SimulatedCards.with_key(unsure))
    with pytest.raises(errors.AccountUnconfirmed):
        desk.code()
    assert unsure.calculations == 0
    desk.person.agrees = True
    assert desk.code() == DIGITS
    assert desk.person.asked[-1] == f"{ALIAS_NAME} on YubiKey 12345678 for {SERIAL}"


def test_a_fips_key_without_a_password_is_named_as_the_reason_for_no_account() -> None:
    desk = Desk(SimulatedCards.with_key(SimulatedYubiKey(fips=True)))
    with pytest.raises(errors.FipsWithoutPassword):
        find(desk)


def test_a_locked_key_is_unlocked_before_its_accounts_are_listed() -> None:
    locked = key()
    session = OathSession(SimulatedConnection(locked))
    session.set_key(session.derive_key("open sesame"))
    desk = Desk(SimulatedCards.with_key(locked))
    desk.person.password = "open sesame"
    assert find(desk).choice.account.name == SERIAL


@pytest.mark.parametrize(
    ("failing", "problem"),
    [
        (SimulatedYubiKey(oath_enabled=False), errors.OathOff),
        (SimulatedYubiKey(), errors.AccountMissing),
    ],
)
def test_every_failed_look_closes_its_connection(
    failing: SimulatedYubiKey, problem: type[errors.VaultpyError]
) -> None:
    desk = Desk(SimulatedCards.with_key(failing))
    with pytest.raises(problem):
        find(desk)
    assert desk.cards.open_connections == []


def test_a_key_pulled_out_while_it_is_looked_at_is_waited_for_again() -> None:
    desk = Desk(SimulatedCards.with_key(key()))

    def pull(_reader: str) -> None:
        desk.cards.keys[READER] = None
        desk.cards.opening = lambda _reader: None

    desk.cards.opening = pull
    desk.person.deeds = [lambda: desk.cards.keys.update({READER: key()})]
    assert find(desk).where == "YubiKey 12345678"


def test_a_card_that_is_there_and_does_not_answer_is_no_endless_wait() -> None:
    desk = Desk(SimulatedCards.with_key(key()))

    def fail(_reader: str) -> None:
        raise errors.CardRemoved

    desk.cards.opening = fail
    with pytest.raises(errors.CardRemoved):
        find(desk)


class Blocked:
    """A card that another program keeps until `free`."""

    def __init__(self, desk: Desk) -> None:
        self.free = threading.Event()
        self.done = threading.Event()
        desk.cards.opening = self

    def __call__(self, _reader: str) -> None:
        """Wait."""
        self.free.wait(60)
        self.done.set()


def test_a_busy_card_is_said_so_and_taken_as_soon_as_it_is_free() -> None:
    desk = Desk(SimulatedCards.with_key(key()))
    desk.person.deeds = [Blocked(desk).free.set]
    assert find(desk).where == "YubiKey 12345678"
    assert desk.person.told == [
        "the YubiKey is busy: it still blinks for a run that ended, or another program uses it"
    ]


def test_a_card_that_stays_busy_is_given_up_and_let_go_when_it_comes_free() -> None:
    desk = Desk(SimulatedCards.with_key(key()), ScriptedPerson(*[lambda: None] * 100))
    blocked = Blocked(desk)
    with pytest.raises(errors.CardHeld):
        find(desk)
    assert 20 <= desk.person.now < 21
    assert_let_go(desk, blocked)


def test_digits_typed_while_a_card_is_busy_win() -> None:
    desk = Desk(SimulatedCards.with_key(key()), ScriptedPerson(lambda: "123456"))
    blocked = Blocked(desk)
    assert desk.search().find(wanted(), desk.meanwhile) == "123456"
    assert_let_go(desk, blocked)


def test_ctrl_c_while_a_card_is_busy_leaves_at_once() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    desk = Desk(SimulatedCards.with_key(key()), ScriptedPerson(interrupt))
    blocked = Blocked(desk)
    with pytest.raises(KeyboardInterrupt):
        find(desk)
    assert_let_go(desk, blocked)


def assert_let_go(desk: Desk, blocked: Blocked) -> None:
    threads = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    blocked.free.set()
    for thread in threads:
        thread.join(30)
    assert blocked.done.is_set()
    assert desk.cards.open_connections == []


def test_a_busy_key_does_not_keep_us_from_the_next_one() -> None:
    desk = Desk(SimulatedCards(**{READER: key(1), SECOND: key(2)}), ScriptedPerson(*[lambda: None] * 100))
    blocked = Blocked(desk)
    desk.cards.opening = lambda reader: blocked(reader) if reader == READER else None
    found = find(desk)
    assert found.where == "YubiKey 2"
    found.connection.close()
    assert_let_go(desk, blocked)
