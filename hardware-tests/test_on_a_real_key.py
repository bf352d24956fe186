"""What vaultpy takes a YubiKey's OATH application to do, put to a real one (or to a virtual one)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from oath_contract import BEHAVIOURS, code, put

from vaultpy.mfa import STEP_SECONDS, CodeWanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from key_under_test import KeyUnderTest
    from oath_contract import Bench

MFA_SERIAL = "arn:aws:iam::123456789012:mfa/vaultpy-hardware-test"


class Nothing:
    """Nothing goes on meanwhile."""

    def prepare(self) -> None:
        """Begin nothing."""

    def check(self) -> None:
        """Find nothing wrong."""


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_it_keeps_the_contract(key: KeyUnderTest, behaviour: Callable[[Bench], None]) -> None:
    behaviour(key)


def test_vaultpy_reads_the_code_of_the_next_step_off_it(key: KeyUnderTest) -> None:
    name = key.name()
    put(key, name, touch=True)
    step = int(time.time()) // STEP_SECONDS + 1
    wanted = CodeWanted((MFA_SERIAL,), "nobody", account=name, purpose="a hardware test")
    taken = key.as_mfa_device().token_code(wanted, lambda _serial: step, Nothing())
    assert taken.digits.reveal() == code(step)


def test_nothing_is_left_on_it(key: KeyUnderTest) -> None:
    put(key, key.name())
    assert len(key.names()) == 1
    key.remove_ours()
    assert key.names() == []
