"""The OATH account that holds an access key's secret: its name, its secret, and what it is asked."""

from __future__ import annotations

import hmac

import pytest

from support.keys import SERIAL, wanted
from vaultpy.accounts import NAME_BYTES, Account, choose
from vaultpy.errors import AccountMissing, AccountUnfit
from vaultpy.mfa import STEP_SECONDS
from vaultpy.signing_account import (
    KIND,
    access_key_id_of,
    account_name,
    account_secret,
    aws_date,
    challenge,
    is_near_midnight,
    still_signs,
)
from vaultpy.values import Secret

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
MIDNIGHT = 1795132800.0  # 2026-11-20T00:00:00Z
YEAR = 31_556_952
HOUR = 3600


def test_the_answer_to_a_date_is_the_day_key_of_awss_documentation() -> None:
    key = hmac.digest(account_secret(SECRET), challenge("20150830"), "sha256")
    for part in ("us-east-1", "iam", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_an_account_has_room_for_the_longest_access_key_id_and_for_its_secret() -> None:
    assert len(account_name("A" * 32).encode()) <= NAME_BYTES
    assert len(account_secret(SECRET)) == 44


def test_the_access_key_id_is_read_back_from_the_name_alone() -> None:
    assert access_key_id_of(account_name(KEY_ID).encode()) == KEY_ID


@pytest.mark.parametrize(
    "other",
    [SERIAL, f"Amazon Web Services:alice@{KEY_ID}", "vaultpy", "vaultpy:", "vaultpy:a b", f"x:{KEY_ID}"],
)
def test_another_account_is_not_taken_for_one_that_signs(other: str) -> None:
    assert access_key_id_of(other.encode()) is None


def test_it_is_never_taken_for_the_account_of_an_mfa_device() -> None:
    account = Account(account_name(KEY_ID).encode(), KIND, fits=False)
    with pytest.raises(AccountMissing):
        choose([account], wanted(), "YubiKey 1")
    with pytest.raises(AccountUnfit):
        choose([account], wanted(account=account.name), "YubiKey 1")


@pytest.mark.parametrize("date", ["00000000", "19700101", "20261120", "99991231"])
def test_no_time_step_of_the_next_three_thousand_billion_years_is_asked_for_like_a_date(date: str) -> None:
    step = int.from_bytes(challenge(date), "big")
    assert step * STEP_SECONDS // YEAR > 3_000_000_000_000


@pytest.mark.parametrize(
    "date",
    [
        "",
        "2026112",
        "202611200",
        "2026-1-1",
        "2026112\n",
        "\uff12\uff10\uff12\uff16\uff11\uff11\uff12\uff10",
        "20261120 ",
    ],
)
def test_what_is_no_date_is_not_asked(date: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # UnicodeEncodeError is one
        challenge(date)


@pytest.mark.parametrize(
    ("epoch", "date"),
    [(MIDNIGHT, "20261120"), (MIDNIGHT - 0.001, "20261119"), (MIDNIGHT + 24 * HOUR - 1, "20261120")],
)
def test_the_date_is_that_of_utc(epoch: float, date: str) -> None:
    assert aws_date(epoch) == date


@pytest.mark.parametrize(
    ("seconds", "near"),
    [(0, True), (-1, True), (900, True), (-900, True), (HOUR, False), (-HOUR, False), (12 * HOUR, False)],
)
def test_midnight_is_near_where_a_clock_that_aws_takes_may_have_another_date(
    seconds: int,
    near: bool,  # noqa: FBT001  # pytest's way
) -> None:
    assert is_near_midnight(MIDNIGHT + seconds) is near


@pytest.mark.parametrize(
    ("seconds", "signs"),
    [(0, True), (24 * HOUR - 1, True), (24 * HOUR + 299, True), (24 * HOUR + 301, False), (-1, False)],
)
def test_a_day_key_signs_on_its_day_and_for_a_moment_after(
    seconds: int,
    signs: bool,  # noqa: FBT001  # pytest's way
) -> None:
    assert still_signs("20261120", MIDNIGHT + seconds) is signs
