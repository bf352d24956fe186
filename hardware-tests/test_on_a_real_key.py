"""What vaultpy takes a YubiKey's OATH application to do, put to a real one (or to a virtual one)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from oath_contract import BEHAVIOURS, code, put

from vaultpy import errors
from vaultpy.mfa import STEP_SECONDS, CodeWanted, NothingMeanwhile
from vaultpy.totp import Seed, totp

if TYPE_CHECKING:
    from collections.abc import Callable

    from key_under_test import KeyUnderTest
    from oath_contract import Bench

    from vaultpy.yubikey_in_hand import YubiKeyInHand

MFA_SERIAL = "arn:aws:iam::123456789012:mfa/vaultpy-hardware-test"
RFC_SEED = Seed("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
"""That of RFC 4226 and RFC 6238: it protects nothing."""


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_it_keeps_the_contract(key: KeyUnderTest, behaviour: Callable[[Bench], None]) -> None:
    behaviour(key)


def test_vaultpy_reads_the_code_of_the_next_step_off_it(key: KeyUnderTest) -> None:
    name = key.name()
    put(key, name, touch=True)
    step = int(time.time()) // STEP_SECONDS + 1
    wanted = CodeWanted((MFA_SERIAL,), "nobody", account=name, purpose="a hardware test")
    taken = key.as_mfa_device().token_code(wanted, lambda _serial: step, NothingMeanwhile())
    assert taken.digits.reveal() == code(step)


def test_an_account_is_enrolled_proven_by_one_touch_and_deleted(key: KeyUnderTest) -> None:
    name, step = key.name(), int(time.time()) // STEP_SECONDS
    hand = key.to_be_written()
    check_or_skip(hand, name)
    hand.put(name, RFC_SEED)
    with pytest.raises(errors.AccountExists):
        hand.put(name, RFC_SEED)
    wanted = CodeWanted((MFA_SERIAL,), "nobody", account=name, purpose="a hardware test")
    assert hand.code(wanted, step).digits == totp(RFC_SEED, step)
    assert hand.delete(name)
    assert not hand.delete(name)
    assert key.names() == []


def test_on_a_locked_key_an_account_is_enrolled_too(key: KeyUnderTest) -> None:
    if key.password is None or key.to_be_written().has_password:
        pytest.skip("this one sets an OATH password where there is none, and removes it: --may-set-password")
    name = key.name()
    with key.locked(key.password):
        hand = key.to_be_written()
        check_or_skip(hand, name)
        hand.put(name, RFC_SEED)
        assert hand.delete(name)
    assert not key.to_be_written().has_password


def check_or_skip(hand: YubiKeyInHand, name: str) -> None:
    """Skip the test where the key cannot be written to the way that it is connected."""
    try:
        hand.check(name)
    except errors.NfcReadOnly as refusal:
        pytest.skip(refusal.message)


def test_nothing_is_left_on_it(key: KeyUnderTest) -> None:
    put(key, key.name())
    assert len(key.names()) == 1
    key.remove_ours()
    assert key.names() == []
