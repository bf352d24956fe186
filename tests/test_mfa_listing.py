"""The MFA devices of IAM stand beside the accounts on YubiKeys, each with what is wrong with it."""

from __future__ import annotations

import pytest

from vaultpy.accounts import Account
from vaultpy.held_account import HeldAccount
from vaultpy.iam_records import EnabledDevice
from vaultpy.mfa_listing import HeldKey, Row, UserDevices, rows

ARN = "arn:aws:iam::123456789012:user/alice"
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
SPARE = "arn:aws:iam::123456789012:mfa/spare"
FIDO = "arn:aws:iam::123456789012:u2f/user/alice/blue-ABC"
QR_CODE = "Amazon Web Services:alice@123456789012"
NOW = 1_795_270_000


def alice(
    *in_iam: str, known: tuple[str, ...] = (), tells: bool = True, account: str | None = None
) -> UserDevices:
    listed = tuple(EnabledDevice(serial, NOW) for serial in in_iam)
    return UserDevices("dev", ARN, "alice", in_iam=listed if tells else None, known=known, account=account)


def held(name: str, *, fits: bool = True, touch: bool | None = True) -> HeldAccount:
    return HeldAccount(Account(name.encode(), "TOTP, SHA1" if fits else "HOTP, SHA1", fits=fits), touch=touch)


def key(*accounts: HeldAccount, where: str = "YubiKey 1") -> HeldKey:
    return HeldKey(where, accounts)


def seen(row: Row) -> tuple[str, str, str, str]:
    return row.mfa_serial, row.yubikey, row.account, row.problem


def test_a_device_stands_beside_the_key_that_holds_it() -> None:
    [row] = rows([alice(SERIAL)], [key(held(SERIAL))])
    assert row.as_json() == {
        "profile": "dev",
        "user_arn": ARN,
        "mfa_serial": SERIAL,
        "kind": "virtual",
        "in_iam": True,
        "enabled": NOW,
        "yubikey": "YubiKey 1",
        "account": SERIAL,
        "touch": True,
        "problem": None,
    }
    assert row.cells() == ("dev", SERIAL, "2026-11-21", "YubiKey 1", "yes", "")


def test_a_device_on_two_keys_has_two_rows_and_one_on_none_has_one() -> None:
    found = rows([alice(SERIAL, SPARE)], [key(held(SERIAL)), key(held(SERIAL), where="YubiKey 2")])
    assert [(row.mfa_serial, row.yubikey) for row in found] == [
        (SERIAL, "YubiKey 1"),
        (SERIAL, "YubiKey 2"),
        (SPARE, ""),
    ]


@pytest.mark.parametrize(
    ("serial", "kind", "problem"),
    [
        (FIDO, "fido", "FIDO: it cannot serve the API"),
        ("GAHT12345678", "hardware", "a token that shows its codes, which are typed"),
    ],
)
def test_what_no_account_can_stand_for_is_marked(serial: str, kind: str, problem: str) -> None:
    [row] = rows([alice(serial)], [key(held(serial.replace(":u2f/user/alice/", ":mfa/x")))])[:1]
    assert (row.kind, row.problem, row.yubikey) == (kind, problem, "")
    assert row.cells()[3:] == ("", "", problem)


def test_an_account_that_does_not_fit_or_wants_no_touch_says_so() -> None:
    found = rows(
        [alice(SERIAL, SPARE)], [key(held(SERIAL, fits=False, touch=None), held(SPARE, touch=False))]
    )
    assert [row.problem for row in found] == [
        "it does not make AWS's codes: HOTP, SHA1",
        "any program here gets its codes without a touch",
    ]
    assert [row.cells()[4] for row in found] == ["", "no"]


def test_the_qr_codes_name_is_the_devices_account_and_is_shown() -> None:
    [row] = rows([alice(SERIAL)], [key(held(QR_CODE))])
    assert seen(row) == (SERIAL, "YubiKey 1", QR_CODE, "")
    assert row.cells()[-1] == f"account {QR_CODE}"


def test_an_account_that_exec_would_ask_about_says_so() -> None:
    [row] = rows([alice(SERIAL, account="work")], [key(held("work"))])
    assert seen(row) == (SERIAL, "YubiKey 1", "work", "exec asks whether it is this device's")


def test_several_that_may_be_it_are_named_and_none_is_taken() -> None:
    names = [f"Amazon Web Services:alice@{alias}" for alias in ("acme", "umbrella")]
    first, *left = rows([alice(SERIAL)], [key(*map(held, names))])
    assert (first.account, first.yubikey) == ("", "YubiKey 1")
    assert all(name in first.problem for name in names)
    assert [row.account for row in left] == names


def test_accounts_for_aws_of_no_known_device_come_last_and_others_not_at_all() -> None:
    found = rows([alice(SERIAL)], [key(held("GitHub:alice"), held(SPARE), held(SERIAL))])
    assert [seen(row) for row in found] == [
        (SERIAL, "YubiKey 1", SERIAL, ""),
        ("", "YubiKey 1", SPARE, "of no MFA device that is known here"),
    ]
    assert found[1].kind == ""
    assert found[1].as_json()["profile"] is None


def test_where_iam_does_not_tell_what_is_known_here_is_shown() -> None:
    [row] = rows([alice(known=(SERIAL,), tells=False)], [key(held(SERIAL))])
    assert (row.in_iam, row.enabled, row.problem, row.yubikey) == (None, 0, "", "YubiKey 1")
    assert row.cells()[2] == ""


def test_a_device_that_iam_no_longer_has_is_said_to_be_so() -> None:
    found = rows([alice(SERIAL, known=(SPARE, SERIAL))], [])
    assert [(row.mfa_serial, row.in_iam, row.problem) for row in found] == [
        (SERIAL, True, ""),
        (SPARE, False, "IAM does not have it for this user"),
    ]
