"""What vaultpy takes a YubiKey's OATH application to do, put to a real one (or to a virtual one)."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING

import pytest

from vaultpy.mfa import STEP_SECONDS, CodeWanted
from vaultpy.yubikey import YubiKey

if TYPE_CHECKING:
    from conftest import KeyUnderTest, ThrowAway

MFA_SERIAL = "arn:aws:iam::123456789012:mfa/vaultpy-hardware-test"


class Nothing:
    """Nothing goes on meanwhile."""

    def prepare(self) -> None:
        """Begin nothing."""

    def check(self) -> None:
        """Find nothing wrong."""


def rfc_6238(secret: bytes, step: int) -> str:
    """Return the six digits of RFC 6238 with SHA-1."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def code(key: KeyUnderTest, account: ThrowAway, step: int) -> str:
    """Ask for the code of `step` as vaultpy does; somebody has to touch the key."""
    wanted = CodeWanted((MFA_SERIAL,), "nobody", account=account.name, purpose="a hardware test")
    return key.as_mfa_device().token_code(wanted, lambda _serial: step, Nothing()).digits.reveal()


@pytest.mark.parametrize("ahead", [0, 1, -1], ids=["this step", "the next step", "the step before"])
def test_the_code_of_a_named_step_is_the_one_of_rfc_6238(
    key: KeyUnderTest, account: ThrowAway, ahead: int
) -> None:
    step = int(time.time()) // STEP_SECONDS + ahead
    assert code(key, account, step) == rfc_6238(account.secret, step)


def test_an_account_is_listed_by_its_bytes_and_gone_when_it_is_deleted(
    key: KeyUnderTest, account: ThrowAway
) -> None:
    with key.oath() as session:
        listed = {entry.id: entry for entry in YubiKey(session.protocol.connection).accounts()}
    assert listed[account.name.encode()].fits
    key.remove_ours()
    assert key.names() == []
