"""Day keys: found on the YubiKey that holds the access key, asked for by date, given by a touch alone."""

from __future__ import annotations

import hmac
import threading

import pytest
from yubikit.oath import HASH_ALGORITHM

from support.keys import READER, SEED, SERIAL, Desk, SimulatedCards
from support.on_yubikey import protect
from support.signing import put_on_key, set_password
from vaultpy import errors
from vaultpy.credentials import DayKey
from vaultpy.day_keys import AwsDay, DayKeys
from vaultpy.oath_passwords import OathPasswords
from vaultpy.signing_account import account_name, account_secret, challenge
from vaultpy.simulated.finger import Finger, NoFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.values import Secret
from vaultpy.yubikeys_at_hand import YubiKeysAtHand

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # AWS's example
DATE = "20261120"
SECOND = "Yubico YubiKey OTP+FIDO+CCID 01 00"
PURPOSE = f"sign with access key {KEY_ID} for dev-role"
TOUCH = f"touch the YubiKey: {PURPOSE}"
AGAIN = f"touch the YubiKey again, it was not touched in time: {PURPOSE}"
MIDNIGHT = 1795132800.0  # 2026-11-20T00:00:00Z
HOUR = 3600
SHORT = 0.5  # longer than a wait for a touch takes to be noticed


def expected(date: str = DATE) -> DayKey:
    answer = hmac.digest(account_secret(Secret(SECRET)), challenge(date), "sha256")
    return DayKey(KEY_ID, date, Secret(answer.hex()))


def signing_key(
    serial: int = 12345678, *, finger: Finger | None = None, touch: bool = True, timeout: float = 60.0
) -> SimulatedYubiKey:
    key = SimulatedYubiKey(serial, finger=finger, touch_timeout=timeout)
    key.add_account(SERIAL, SEED, touch=True)
    put_on_key(key, KEY_ID, SECRET, touch=touch)
    return key


def day_keys(desk: Desk, *holders: str) -> DayKeys:
    def keys() -> YubiKeysAtHand:
        return YubiKeysAtHand(
            desk.cards,
            desk.selection,
            person=desk.person,
            yubico_on_usb=lambda: desk.yubico_on_usb,
            clock=desk.person.clock,
        )

    passwords = OathPasswords(desk.ykman.get, lambda: desk.keystore, desk.person)
    return DayKeys(keys, desk.person, passwords, desk.person.clock, holders=holders)


def get(desk: Desk, *dates: str) -> DayKey:
    left = list(dates or (DATE,))
    return day_keys(desk).day_key(KEY_ID, lambda: left.pop(0), PURPOSE, desk.meanwhile)


def calculations(desk: Desk) -> list[bytes]:
    return [apdu for apdu in desk.cards.apdus if apdu[1] == 0xA2]


class Presses(Finger):
    """Touches once the prompt is sure to have been shown, but lets the first few waits pass."""

    def __init__(self, missed: int = 0) -> None:
        self.missed = missed

    def touched(self, timeout: float) -> bool:
        """Touch, or not."""
        threading.Event().wait(min(timeout, SHORT))
        self.missed -= 1
        return self.missed < 0


def test_the_day_key_is_the_hmac_of_the_date_with_the_secret() -> None:
    desk = Desk(SimulatedCards.with_key(signing_key()))
    assert get(desk) == expected()
    assert desk.cards.open_connections == []


def test_one_calculate_is_sent_untruncated_for_the_account_and_the_date_alone() -> None:
    desk = Desk(SimulatedCards.with_key(signing_key()))
    get(desk)
    (apdu,) = calculations(desk)
    assert apdu[3] == 0
    assert account_name(KEY_ID).encode() in apdu
    assert b"\x74\x08" + DATE.encode() in apdu
    assert not [sent for sent in desk.cards.apdus if sent[1] == 0xA4 and sent[2] == 0], "CALCULATE ALL"


def test_the_touch_is_asked_for_with_its_purpose_once_the_key_blinks() -> None:
    desk = Desk(SimulatedCards.with_key(signing_key(finger=Presses())))
    assert get(desk) == expected()
    assert desk.person.told == [TOUCH]
    assert desk.meanwhile.begun == 1


def test_which_of_the_touches_it_is_stands_in_the_prompt() -> None:
    desk = Desk(SimulatedCards.with_key(signing_key(finger=Presses())))
    day_keys(desk).day_key(KEY_ID, lambda: DATE, PURPOSE, desk.meanwhile, touch=" (1 of 2)")
    assert desk.person.told == [f"touch the YubiKey (1 of 2): {PURPOSE}"]


def test_a_key_that_was_not_touched_is_asked_again_for_the_date_that_it_is_then() -> None:
    desk = Desk(SimulatedCards.with_key(signing_key(finger=Presses(missed=1), timeout=SHORT)))
    assert get(desk, "20261119", DATE) == expected()
    assert desk.person.told == [TOUCH, AGAIN]


def test_a_key_that_is_never_touched_is_an_error_after_three_times() -> None:
    desk = Desk(SimulatedCards.with_key(signing_key(finger=NoFinger(), timeout=SHORT)))
    with pytest.raises(errors.NotTouched, match="3 times"):
        get(desk, DATE, DATE, DATE)
    assert desk.person.told == [TOUCH, AGAIN, AGAIN]
    assert desk.cards.open_connections == []


def test_of_two_keys_the_one_that_holds_the_access_key_is_asked() -> None:
    other = SimulatedYubiKey(1)
    other.add_account(SERIAL, SEED)
    desk = Desk(SimulatedCards(**{READER: other, SECOND: signing_key(2)}))
    assert get(desk) == expected()
    assert other.calculations == 0


def test_a_key_that_holds_another_access_key_says_so_and_is_not_asked() -> None:
    other = SimulatedYubiKey(7)
    put_on_key(other, "AKIAANOTHER", SECRET)
    desk = Desk(SimulatedCards.with_key(other))
    with pytest.raises(
        errors.AccessKeyElsewhere,
        match=f"YubiKey 7 does not hold access key {KEY_ID}; access keys there: AKIAANOTHER",
    ):
        get(desk)
    assert other.calculations == 0


def test_a_key_that_is_absent_is_waited_for() -> None:
    desk = Desk(SimulatedCards())
    desk.person.deeds = [lambda: None, lambda: desk.cards.keys.update({READER: signing_key()})]
    assert get(desk) == expected()
    assert desk.person.told == ["plug in your YubiKey"]


def test_a_key_that_never_comes_is_told_as_the_home_of_the_access_key() -> None:
    with pytest.raises(errors.SigningKeyAbsent, match=f"access key {KEY_ID} lives on a YubiKey"):
        get(Desk(SimulatedCards()))


@pytest.mark.parametrize("algorithm", [HASH_ALGORITHM.SHA1, HASH_ALGORITHM.SHA512])
def test_an_account_of_another_kind_is_named_and_not_asked(algorithm: HASH_ALGORITHM) -> None:
    key = SimulatedYubiKey()
    put_on_key(key, KEY_ID, SECRET, algorithm=algorithm)
    with pytest.raises(errors.SigningAccountUnfit, match=algorithm.name):
        get(Desk(SimulatedCards.with_key(key)))
    assert key.calculations == 0


def test_a_locked_key_is_unlocked_by_the_password_that_a_person_types() -> None:
    key = signing_key()
    set_password(key, "swordfish")
    desk = Desk(SimulatedCards.with_key(key))
    desk.person.password = "swordfish"  # the simulation's
    assert get(desk) == expected()
    assert desk.person.asked[0] == "OATH password of YubiKey 12345678"


def test_a_locked_key_without_its_password_gives_nothing() -> None:
    key = signing_key()
    set_password(key, "swordfish")
    with pytest.raises(errors.OathPasswordNeeded):
        get(Desk(SimulatedCards.with_key(key)))
    assert key.calculations == 0


def beside_a_locked_key(serial: int = 1) -> Desk:
    other = SimulatedYubiKey(serial)
    set_password(other, "open sesame")
    desk = Desk(SimulatedCards(**{READER: other, SECOND: signing_key(2)}))
    desk.person.password = "open sesame"  # the simulation's
    return desk


def asked_of(desk: Desk, *holders: str) -> list[str]:
    day_keys(desk, *holders).day_key(KEY_ID, lambda: DATE, PURPOSE, desk.meanwhile)
    return [text for text in desk.person.asked if text.startswith("OATH password")]


def test_nobody_is_asked_for_the_password_of_a_key_that_is_not_known_to_hold_it() -> None:
    assert asked_of(beside_a_locked_key(), "2", "3") == []
    assert asked_of(beside_a_locked_key(), "1", "2") == ["OATH password of YubiKey 1"]
    assert asked_of(beside_a_locked_key()) == ["OATH password of YubiKey 1"]


def test_a_locked_key_that_is_not_known_to_hold_it_is_named_where_it_is_alone() -> None:
    desk = beside_a_locked_key()
    del desk.cards.keys[SECOND]
    with pytest.raises(errors.AccessKeyElsewhere, match=r"YubiKey 1 .* there: unknown, it is locked"):
        asked_of(desk, "2")


def test_a_password_that_is_remembered_opens_a_key_that_is_not_known_to_hold_it() -> None:
    key = signing_key(1)
    device_id, derived = protect(key)
    desk = Desk(SimulatedCards.with_key(key))
    desk.ykman[device_id] = derived
    assert asked_of(desk, "2") == []


def test_an_account_that_wants_no_touch_answers_without_a_word() -> None:
    desk = Desk(SimulatedCards.with_key(signing_key(touch=False)))
    assert get(desk) == expected()
    assert desk.person.told == []


def test_what_goes_wrong_with_the_date_ends_it_before_the_key_blinks() -> None:
    desk = Desk(SimulatedCards.with_key(signing_key()))

    def fail() -> str:
        raise errors.Unreachable(host="sts", reason="x", remedy="y")

    with pytest.raises(errors.Unreachable):
        day_keys(desk).day_key(KEY_ID, fail, PURPOSE, desk.meanwhile)
    assert calculations(desk) == []
    assert desk.cards.open_connections == []


def test_an_answer_that_is_no_day_key_is_refused() -> None:
    class Short(SimulatedYubiKey):
        def transmit(self, apdu: bytes) -> tuple[bytes, int]:
            data, status = super().transmit(apdu)
            return (b"\x75\x15" + data[2:23], status) if apdu[1] == 0xA2 else (data, status)

    key = Short()
    put_on_key(key, KEY_ID, SECRET)
    with pytest.raises(errors.YubiKeyFailed, match="20 bytes"):
        get(Desk(SimulatedCards.with_key(key)))


# ---- the date ----------------------------------------------------------------------------------------


def day(now: float, *, offset: float = 0.0, known: float = 0.0) -> tuple[str, int]:
    """Return the date at this computer's time `now`, and how often AWS was asked for the time."""
    asked: list[float] = []

    def ask() -> float:
        asked.append(offset)
        return offset

    return AwsDay(lambda: now + known, ask, lambda: now)(), len(asked)


def test_far_from_midnight_nobody_is_asked_for_the_date() -> None:
    assert day(MIDNIGHT + 12 * HOUR, offset=900) == ("20261120", 0)


@pytest.mark.parametrize(
    ("now", "offset", "date"),
    [
        (MIDNIGHT - 60, 120, "20261120"),
        (MIDNIGHT + 60, -120, "20261119"),
        (MIDNIGHT + 60, 0, "20261120"),
        (MIDNIGHT - 14 * 60, 14 * 60, "20261120"),
    ],
)
def test_near_midnight_it_is_the_date_that_aws_has(now: float, offset: float, date: str) -> None:
    assert day(now, offset=offset) == (date, 1)


def test_a_clock_that_is_known_to_be_off_counts_as_it_is_at_aws() -> None:
    assert day(MIDNIGHT - 3 * HOUR, known=6 * HOUR) == ("20261120", 0)
