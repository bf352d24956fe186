"""The touch: asked for when the key blinks, asked again, answered by a finger or by typed digits."""

from __future__ import annotations

import threading

import pytest
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from support.keys import DIGITS, READER, SEED, SERIAL, STEP, Desk, ScriptedPerson, SimulatedCards, wanted
from vaultpy import errors
from vaultpy.mfa import CodeWanted, TokenCode
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import Finger, NoFinger, PressedFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

PURPOSE = "arn:aws:iam::123456789012:role/dev for dev-role"
TOUCH = f"touch the YubiKey: {PURPOSE}"
TOUCH_AGAIN = f"touch the YubiKey again, it was not touched in time: {PURPOSE}"
QUICK_TIMEOUT = 0.5  # longer than a wait for a touch takes to be noticed


def blinking_desk(finger: Finger, *, timeout: float = 60.0, status: int = 0x6982) -> Desk:
    key = SimulatedYubiKey(finger=finger, touch_timeout=timeout, untouched_status=status)
    key.add_account(SERIAL, SEED, touch=True)
    return Desk(SimulatedCards.with_key(key))


def the_key(desk: Desk) -> SimulatedYubiKey:
    key = desk.cards.keys[READER]
    assert key is not None
    return key


class FingerOnTry(Finger):
    """Touches at the given try, and lets those before it time out."""

    def __init__(self, touching: int) -> None:
        self.tries = 0
        self.touching = touching

    def touched(self, timeout: float) -> bool:
        """Count, and touch or not."""
        self.tries += 1
        if self.tries == self.touching:
            return PressedSoon().touched(timeout)
        return NoFinger().touched(timeout)


class PressedSoon(Finger):
    """Touches after the prompt is sure to have been shown."""

    def touched(self, timeout: float) -> bool:
        """Touch, a moment later."""
        threading.Event().wait(min(timeout, QUICK_TIMEOUT))
        return True


def test_an_account_without_touch_gives_its_code_without_a_word() -> None:
    key = SimulatedYubiKey()
    key.add_account(SERIAL, SEED)
    desk = Desk(SimulatedCards.with_key(key))
    assert desk.code() == DIGITS
    assert desk.person.told == []
    assert desk.cards.open_connections == []


def test_a_blinking_key_is_said_to_be_so_with_the_purpose() -> None:
    finger = PressedFinger()
    desk = blinking_desk(finger)
    desk.person.deeds = [finger.press]
    assert desk.code() == DIGITS
    assert desk.person.told == [TOUCH]
    assert the_key(desk).calculations == 1
    assert desk.meanwhile.begun == 1
    assert desk.cards.open_connections == []


def test_the_reason_of_a_second_code_is_in_the_prompt() -> None:
    finger = PressedFinger()
    desk = blinking_desk(finger)
    desk.person.deeds = [finger.press]
    desk.code(wanted(reason="AWS refused the last code"))
    assert desk.person.told == [f"touch the YubiKey again, AWS refused the last code: {PURPOSE}"]


def test_which_of_the_touches_it_is_stands_in_the_prompt_until_another_code_is_asked_for() -> None:
    finger = FingerOnTry(2)
    desk = blinking_desk(finger, timeout=QUICK_TIMEOUT)
    wish = CodeWanted((SERIAL,), "alice", account=None, purpose=PURPOSE, touch=" (2 of 2)")
    desk.code(wish)
    assert desk.person.told == [text.replace("YubiKey", "YubiKey (2 of 2)") for text in (TOUCH, TOUCH_AGAIN)]
    assert wish.because("AWS refused the last code").touch == ""


@pytest.mark.parametrize("status", [0x6982, 0x6985])
def test_a_key_that_nobody_touches_is_asked_for_three_times(status: int) -> None:
    desk = blinking_desk(NoFinger(), timeout=QUICK_TIMEOUT, status=status)
    with pytest.raises(errors.NotTouched, match="not touched, 3 times"):
        desk.code()
    assert desk.person.told == [TOUCH, TOUCH_AGAIN, TOUCH_AGAIN]
    assert the_key(desk).calculations == 3
    assert desk.cards.open_connections == []


def test_the_third_touch_still_counts_and_is_for_the_step_of_its_own_time() -> None:
    desk = blinking_desk(FingerOnTry(3), timeout=QUICK_TIMEOUT)
    steps = iter([STEP - 2, STEP - 1, STEP])
    code = desk.yubikeys().token_code(wanted(), lambda _serial: next(steps), desk.meanwhile)
    assert code == TokenCode(SERIAL, DIGITS, STEP)


@pytest.mark.parametrize("status", [0x6982, 0x6985])
def test_a_card_that_refuses_at_once_is_not_asked_again(status: int) -> None:
    desk = blinking_desk(NoFinger(), timeout=0.0, status=status)
    with pytest.raises(errors.YubiKeyFailed, match="without waiting for a touch"):
        desk.code()
    assert the_key(desk).calculations == 1
    assert desk.cards.open_connections == []


def test_digits_typed_during_the_touch_win_and_the_key_is_let_go_when_it_stops_blinking() -> None:
    finger = PressedFinger()
    desk = blinking_desk(finger)

    def type_digits() -> str:
        finger.wait_until_blinking()
        return "123456"

    desk.person.deeds = [lambda: None, type_digits]
    code = desk.yubikeys().token_code(wanted(), lambda _serial: STEP, desk.meanwhile)
    assert code == TokenCode(SERIAL, "123456", None)
    assert_let_go(desk, finger)


def test_digits_typed_while_the_key_is_absent_win() -> None:
    desk = Desk(SimulatedCards(), ScriptedPerson(lambda: "123456"))
    assert desk.code() == "123456"


def test_ctrl_c_during_the_touch_leaves_at_once() -> None:
    finger = PressedFinger()
    desk = blinking_desk(finger)

    def interrupt() -> None:
        finger.wait_until_blinking()
        raise KeyboardInterrupt

    desk.person.deeds = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        desk.code()
    assert_let_go(desk, finger)


def test_what_goes_wrong_meanwhile_ends_the_wait_for_the_touch() -> None:
    class Failing:
        def prepare(self) -> None:
            pass

        def check(self) -> None:
            raise errors.Unreachable(host="sts", reason="no network")

    finger = PressedFinger()
    desk = blinking_desk(finger)
    desk.person.deeds = [finger.wait_until_blinking]
    with pytest.raises(errors.Unreachable):
        desk.yubikeys().token_code(wanted(), lambda _serial: STEP, Failing())
    assert_let_go(desk, finger)


def test_a_card_that_never_answers_is_given_up() -> None:
    finger = PressedFinger()
    desk = blinking_desk(finger)
    desk.person.deeds = [finger.wait_until_blinking, *[lambda: None] * 200]
    with pytest.raises(errors.YubiKeyFailed, match="none for 30 s"):
        desk.code()
    assert_let_go(desk, finger)


def assert_let_go(desk: Desk, finger: PressedFinger) -> None:
    assert len(desk.cards.open_connections) == 1
    others = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    finger.press()
    for thread in others:
        thread.join(30)
    assert desk.cards.open_connections == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (CredentialData(SERIAL, OATH_TYPE.HOTP, HASH_ALGORITHM.SHA1, SEED), "HOTP, SHA1"),
        (CredentialData(SERIAL, OATH_TYPE.TOTP, HASH_ALGORITHM.SHA256, SEED), "TOTP, SHA256"),
        (CredentialData(SERIAL, OATH_TYPE.TOTP, HASH_ALGORITHM.SHA1, SEED, period=60), "TOTP, SHA1, 60 s"),
    ],
)
def test_an_account_that_cannot_be_awss_is_refused_without_calculate(data: CredentialData, kind: str) -> None:
    key = SimulatedYubiKey()
    OathSession(SimulatedConnection(key)).put_credential(data)
    desk = Desk(SimulatedCards.with_key(key))
    with pytest.raises(errors.AccountUnfit) as refusal:
        desk.code()
    assert refusal.value.message.endswith(f"it is {kind}")
    assert key.calculations == 0
    assert desk.cards.open_connections == []


def test_eight_digits_are_seen_in_the_answer_and_refused() -> None:
    key = SimulatedYubiKey()
    data = CredentialData(SERIAL, OATH_TYPE.TOTP, HASH_ALGORITHM.SHA1, SEED, digits=8)
    OathSession(SimulatedConnection(key)).put_credential(data)
    desk = Desk(SimulatedCards.with_key(key))
    with pytest.raises(errors.AccountUnfit, match="8 digits"):
        desk.code()
    assert desk.cards.open_connections == []


def test_one_code_is_all_that_is_ever_calculated() -> None:
    finger = PressedFinger()
    desk = blinking_desk(finger)
    key = the_key(desk)
    key.add_account("Amazon Web Services:alice@123456789012", SEED)
    key.add_account("GitHub:alice", SEED)
    desk.person.deeds = [finger.press]
    desk.code()
    assert [call.name for call in key.calls] == ["SELECT", "READ CONFIG", "SELECT", "LIST", "CALCULATE"]
    (calculate,) = [apdu for apdu in desk.cards.apdus if apdu[1] == 0xA2]
    assert SERIAL.encode() in calculate


def test_the_purpose_of_a_wish_stays_when_it_is_asked_again() -> None:
    wish: CodeWanted = wanted().because("AWS refused the last code")
    assert (wish.purpose, wish.reason) == (PURPOSE, "AWS refused the last code")
