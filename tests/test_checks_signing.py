"""What doctor says of access keys on YubiKeys: where they are, and what a thief or a program would need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.remembering import enrolment
from vaultpy.accounts import Account
from vaultpy.checks_signing import accounts
from vaultpy.held_account import HeldAccount
from vaultpy.records import ON_YUBIKEY, Enrolment
from vaultpy.signing_account import KIND, account_name
from vaultpy.yubikey_look import YubiKeyReport

if TYPE_CHECKING:
    from vaultpy.findings import Finding

KEY_ID = "AKIAIOSFODNN7EXAMPLE"


def on_yubikey(name: str = "dev", key_id: str = KEY_ID) -> Enrolment:
    return Enrolment(
        name=name,
        access_key_id=key_id,
        user_arn="",
        mfa_serials=(),
        keystore=ON_YUBIKEY,
        keystore_file="1",
        added=0,
    )


def report(*held: HeldAccount, has_password: bool = True, locked: bool = False) -> YubiKeyReport:
    return YubiKeyReport(
        "YubiKey 1",
        "1",
        (5, 4, 3),
        fips=False,
        over_usb=True,
        has_password=has_password,
        accounts=None if locked else held,
    )


def signing(*, touch: bool = True, kind: str = KIND) -> HeldAccount:
    return HeldAccount(Account(account_name(KEY_ID).encode(), kind, fits=False), touch=touch)


def told(*reports: YubiKeyReport, enrolments: list[Enrolment] | None = None) -> list[Finding]:
    return list(accounts(list(reports), [on_yubikey()] if enrolments is None else enrolments))


@pytest.mark.parametrize(
    ("looked_at", "state", "text"),
    [
        (report(signing()), "ok", f"YubiKey 1 signs with access key {KEY_ID}, and waits for a touch"),
        (report(signing(), has_password=False), "warning", "has no OATH password"),
        (report(signing(touch=False)), "failure", "without a touch, for any date"),
        (report(signing(kind="TOTP, SHA1")), "failure", "cannot sign: it is TOTP, SHA1"),
        (report(), "warning", f"no YubiKey here holds access key {KEY_ID}"),
        (report(locked=True), "skipped", "none could be looked at"),
    ],
)
def test_each_state_of_a_key_is_told(looked_at: YubiKeyReport, state: str, text: str) -> None:
    (finding,) = told(looked_at)
    assert (finding.state, text in finding.text) == (state, True), finding


def test_without_a_key_nothing_is_claimed() -> None:
    (finding,) = told()
    assert finding.state == "skipped"


def test_a_spare_is_told_of_too() -> None:
    assert [finding.state for finding in told(report(signing()), report(signing()))] == ["ok", "ok"]


def test_an_access_key_of_two_names_is_told_of_once_and_those_in_keystores_not_at_all() -> None:
    found = told(report(signing()), enrolments=[on_yubikey(), on_yubikey("again"), enrolment("other")])
    assert len(found) == 1
