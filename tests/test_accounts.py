"""The account is the right one by its bytes, or a person says so, or there is none."""

from __future__ import annotations

import pytest

from support.keys import SERIAL, wanted
from vaultpy import errors
from vaultpy.accounts import Account, choose

WHERE = "YubiKey 12345678"
QR_NAME = "Amazon Web Services:alice@123456789012"
ALIAS_NAME = "Amazon Web Services:alice@acme"
OTHER = "arn:aws:iam::123456789012:mfa/alice-2"


def account(name: str | bytes, *, fits: bool = True) -> Account:
    return Account(name if isinstance(name, bytes) else name.encode(), "TOTP, SHA1", fits=fits)


@pytest.mark.parametrize("name", [SERIAL, QR_NAME])
def test_the_serial_and_the_qr_codes_name_are_taken_unasked(name: str) -> None:
    choice = choose([account("GitHub:alice"), account(name)], wanted(), WHERE)
    assert (choice.account.id, choice.mfa_serial, choice.unsure) == (name.encode(), SERIAL, False)


def test_the_serial_goes_before_the_qr_codes_name_which_two_devices_share() -> None:
    assert choose([account(QR_NAME), account(SERIAL)], wanted(), WHERE).account.name == SERIAL


def test_a_certain_name_goes_before_an_unsure_one() -> None:
    choice = choose([account(ALIAS_NAME), account(QR_NAME)], wanted(), WHERE)
    assert (choice.account.name, choice.unsure) == (QR_NAME, False)


def test_the_form_with_an_account_alias_wants_a_yes() -> None:
    choice = choose([account(ALIAS_NAME)], wanted(), WHERE)
    assert (choice.account.name, choice.unsure) == (ALIAS_NAME, True)


@pytest.mark.parametrize(
    "name",
    [
        "Amazon Web Services:alice@999999999999",
        "Amazon Web Services:bob@123456789012",
        "Amazon Web Services:bob@acme",
        "Amazon Web Services:alice@",
        "amazon web services:alice@123456789012",
        SERIAL + " ",
        SERIAL.upper(),
        SERIAL[:-1],
        "aws:iam::123456789012:mfa/alice",
        "alice",
    ],
)
def test_a_lone_account_of_another_name_is_listed_and_not_used(name: str) -> None:
    with pytest.raises(errors.AccountMissing) as refusal:
        choose([account(name)], wanted(), WHERE)
    assert refusal.value.message == f"no account for {SERIAL} on {WHERE}; accounts there: {name}"


def test_an_empty_key_is_said_to_have_no_accounts() -> None:
    with pytest.raises(errors.AccountMissing, match=r"accounts there: none$"):
        choose([], wanted(), WHERE)


def test_several_aliases_are_listed_and_none_is_used() -> None:
    rivals = [account(ALIAS_NAME), account("Amazon Web Services:alice@other-co")]
    with pytest.raises(errors.AccountAmbiguous) as refusal:
        choose(rivals, wanted(), WHERE)
    assert refusal.value.message.endswith(f": {ALIAS_NAME}, Amazon Web Services:alice@other-co")


def test_an_account_that_the_profile_names_is_the_only_candidate_and_wants_a_yes() -> None:
    choice = choose([account(SERIAL), account("work")], wanted(account="work"), WHERE)
    assert (choice.account.name, choice.unsure) == ("work", True)


@pytest.mark.parametrize("name", [SERIAL, QR_NAME])
def test_a_certain_name_that_the_profile_names_too_needs_no_yes(name: str) -> None:
    choice = choose([account(SERIAL), account(QR_NAME)], wanted(account=name), WHERE)
    assert (choice.account.name, choice.unsure) == (name, False)


def test_a_named_account_that_is_not_there_is_not_replaced_by_a_certain_one() -> None:
    with pytest.raises(errors.AccountMissing):
        choose([account(SERIAL)], wanted(account="work"), WHERE)


def test_of_several_devices_the_one_whose_account_is_there_is_used() -> None:
    choice = choose([account(OTHER)], wanted(SERIAL, OTHER), WHERE)
    assert (choice.account.name, choice.mfa_serial) == (OTHER, OTHER)


def test_one_alias_for_two_devices_is_one_candidate() -> None:
    assert choose([account(ALIAS_NAME)], wanted(SERIAL, OTHER), WHERE).unsure


def test_a_hardware_tokens_serial_leads_to_no_half_made_name() -> None:
    with pytest.raises(errors.AccountMissing):
        choose([account("Amazon Web Services:alice@")], wanted("GAHT12345678"), WHERE)


def test_an_account_that_makes_other_codes_is_refused_with_its_kind() -> None:
    with pytest.raises(errors.AccountUnfit, match=r"it is HOTP, SHA1$"):
        choose([Account(SERIAL.encode(), "HOTP, SHA1", fits=False)], wanted(), WHERE)


def test_steps_of_60_s_are_seen_by_the_period_before_the_name() -> None:
    unfit = Account(b"60/" + SERIAL.encode(), "TOTP, SHA1, 60 s", fits=False)
    with pytest.raises(errors.AccountUnfit, match="60 s"):
        choose([unfit], wanted(), WHERE)
    assert choose([unfit, account(SERIAL)], wanted(), WHERE).account.name == SERIAL


def test_names_that_could_act_on_a_terminal_are_shown_escaped() -> None:
    with pytest.raises(errors.AccountMissing) as refusal:
        choose([account(b"\x1b]0;x\x07\xff")], wanted(), WHERE)
    assert refusal.value.message.endswith(r"accounts there: \x1b]0;x\x07\xff")
