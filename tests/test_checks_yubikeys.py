"""The service, the keys and the accounts that profiles want: each thing that can be wrong has its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.keys import SERIAL
from support.remembering import enrolment
from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.checks_yubikeys import WantedAccount, keys
from vaultpy.held_account import HeldAccount
from vaultpy.plan import Plan
from vaultpy.profile import Profile
from vaultpy.signers import Signer
from vaultpy.sts_requests import GetSessionToken
from vaultpy.yubikey_look import YubiKeyReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.findings import Finding

READER = "Yubico YubiKey OTP+FIDO+CCID 00 00"
QR_CODE = "Amazon Web Services:alice@123456789012"


def held(name: str = SERIAL, *, touch: bool | None = True, kind: str = "TOTP, SHA1") -> HeldAccount:
    return HeldAccount(Account(name.encode(), kind, fits=kind == "TOTP, SHA1"), touch=touch)


def report(  # noqa: PLR0913  # each is what keys differ in
    *accounts: HeldAccount,
    serial: str | None = "1",
    version: tuple[int, ...] = (5, 4, 3),
    fips: bool = False,
    over_usb: bool = True,
    has_password: bool = False,
    locked: bool = False,
) -> YubiKeyReport:
    return YubiKeyReport(
        f"YubiKey {serial}",
        serial,
        version,
        fips=fips,
        over_usb=over_usb,
        has_password=has_password,
        accounts=None if locked else accounts,
    )


class Desk:
    """Readers and keys as a test says they are."""

    def __init__(self, *reports: YubiKeyReport | errors.VaultpyError) -> None:
        self.environ: Mapping[str, str] = {}
        self.readers: tuple[list[str], list[str]] = ([READER] * len(reports), [])
        self.reports = [(READER, it) for it in reports]
        self.on_usb = False
        self.users: list[str] = []
        self.confirmed: set[tuple[str, str, str]] = set()

    def reader_names(self) -> tuple[list[str], list[str]]:
        """Return them."""
        return self.readers

    def key_reports(self) -> list[tuple[str, YubiKeyReport | errors.VaultpyError]]:
        """Return them."""
        return self.reports

    def yubico_on_usb(self) -> bool:
        """Tell what the test says."""
        return self.on_usb

    def card_users(self) -> list[str]:
        """Return them."""
        return self.users

    def look(self, *wanted_accounts: WantedAccount) -> list[Finding]:
        """Return what is found, without the service's line."""
        service, *found = keys(self, lambda: list(wanted_accounts), lambda *it: it in self.confirmed)
        assert service.text == "the smart card service answers"
        return found


def wanted_account(
    *serials: str, profile: str = "dev", account: str = "", yubikey: str | None = None, key: str = ""
) -> WantedAccount:
    settings = {"vaultpy_account": account, "vaultpy_yubikey": key}
    plan = Plan(
        Profile(profile, "config", settings),
        Signer(enrolment("dev")),
        (GetSessionToken(serials or (SERIAL,), 43200),),
        region="eu-west-1",
        endpoint_url=None,
        capped=False,
    )
    return WantedAccount(plan, yubikey)


def states(found: list[Finding]) -> list[str]:
    return [finding.state for finding in found]


def test_a_key_with_the_account_is_ok() -> None:
    key, account = Desk(report(held())).look(wanted_account())
    assert (key.state, key.text) == ("ok", "YubiKey 1: firmware 5.4.3, OATH is on")
    assert (account.state, account.text) == (
        "ok",
        f"YubiKey 1 has the account for {SERIAL}, which waits for a touch",
    )


def test_profiles_that_want_the_same_are_told_of_once() -> None:
    assert (
        len(
            Desk(report(held())).look(
                wanted_account(profile="a"), wanted_account(profile="b"), wanted_account("GAHT12345678")
            )
        )
        == 2
    )


@pytest.mark.parametrize(
    "error",
    [errors.PcscMissing(reason="x", remedy="y"), errors.PcscRefused(), errors.PcscForbidden(path="p")],
)
def test_a_service_that_cannot_be_reached_is_the_error_of_it(error: errors.VaultpyError) -> None:
    class Unreachable(Desk):
        def reader_names(self) -> tuple[list[str], list[str]]:
            raise error

    with pytest.raises(type(error)):
        Unreachable().look()


# ---- no key ----------------------------------------------------------------------------------------------


def test_no_key_is_a_warning_and_its_account_is_skipped() -> None:
    desk = Desk()
    desk.readers = ([], ["ACS \x1b reader"])
    found = desk.look(wanted_account())
    assert states(found) == ["warning", "skipped"]
    assert found[0].text == r"no YubiKey is plugged in; card readers: ACS \x1b reader"
    assert found[0].remedy == "plug it in and run this again"


def test_a_card_in_a_reader_that_is_not_looked_at_is_a_warning_and_how_to_name_it() -> None:
    desk = Desk()
    desk.readers = (["ACS ACR122U"], [])
    (finding,) = desk.look()
    assert (finding.state, finding.remedy) == (
        "warning",
        errors.CardPassedOver(reader="ACS ACR122U").hint,
    )


def test_a_reader_that_was_named_and_is_not_there_fails() -> None:
    desk = Desk()
    desk.environ = {"VAULTPY_READER": "acr122"}
    (finding,) = desk.look()
    assert (finding.state, finding.remedy) == ("failure", errors.ReaderAbsent.hint)
    desk.readers = ([], ["ACS ACR122U"])
    assert states(desk.look()) == ["warning"]


def test_a_yubico_device_without_a_reader_fails_and_gnupg_is_named_if_it_may_have_it() -> None:
    desk = Desk()
    desk.on_usb = True
    desk.users = ["python3 (9)"]
    (finding,) = desk.look()
    assert (finding.state, finding.remedy) == ("failure", errors.NoCardReader.hint)
    desk.users.append("scdaemon (30)")
    (finding,) = desk.look()
    assert "scdaemon (30) may have taken it" in finding.text
    assert "gpgconf --kill scdaemon" in finding.remedy


# ---- a key that is not right -------------------------------------------------------------------------------


def test_a_key_that_is_held_fails_and_those_who_may_hold_it_are_named() -> None:
    desk = Desk(errors.CardHeld())
    desk.users = ["scdaemon (30)", "ykman (31)"]
    held_key, account = desk.look(wanted_account())
    assert held_key.state == "failure"
    assert held_key.text.endswith("programs here that use cards: scdaemon (30), ykman (31)")
    assert held_key.remedy == errors.CardHeld.hint
    assert account.state == "skipped"
    desk.users = []
    assert desk.look()[0].text == f"{READER}: another program holds the YubiKey"


def test_oath_switched_off_fails() -> None:
    (finding,) = Desk(errors.OathOff()).look()
    assert (finding.state, finding.remedy) == ("failure", errors.OathOff.hint)


def test_a_locked_key_whose_password_is_unknown_is_a_warning_and_its_account_is_skipped() -> None:
    found = Desk(report(has_password=True, locked=True)).look(wanted_account())
    assert states(found) == ["ok", "warning", "skipped"]
    assert "run this once at a terminal" in found[1].remedy


def test_a_password_that_is_remembered_is_ok() -> None:
    assert states(Desk(report(held(), has_password=True)).look(wanted_account())) == ["ok", "ok", "ok"]


@pytest.mark.parametrize(
    ("key", "state", "text"),
    [
        (report(version=(4, 2, 5)), "warning", "firmware 4.2.5, which cannot"),
        (report(fips=True), "failure", "is a FIPS key without an OATH password"),
    ],
)
def test_a_key_that_cannot_do_it_is_told(key: YubiKeyReport, state: str, text: str) -> None:
    first, second = Desk(key).look()
    assert (first.state, second.state) == ("ok", state)
    assert text in second.text


def test_a_token_of_another_make_has_no_firmware_that_counts() -> None:
    assert states(Desk(report(serial=None, version=(1, 0, 0))).look()) == ["ok"]


def test_an_nfc_reader_and_fips_are_mentioned() -> None:
    (finding,) = Desk(report(fips=True, over_usb=False, has_password=True)).look()[:1]
    assert finding.text == "YubiKey 1: firmware 5.4.3, FIPS, on an NFC reader, OATH is on"


# ---- accounts --------------------------------------------------------------------------------------------


def last(desk: Desk, *wanted_accounts: WantedAccount) -> Finding:
    return desk.look(*(wanted_accounts or (wanted_account(),)))[-1]


def test_an_account_that_is_missing_fails_and_those_there_are_listed() -> None:
    finding = last(Desk(report(held("other \x1b[2J"))))
    assert finding.state == "failure"
    assert finding.text.endswith(r"accounts there: other \x1b[2J")
    assert finding.remedy == errors.AccountMissing.hint


def test_one_of_two_keys_is_enough() -> None:
    assert last(Desk(report(), report(held(), serial="2"))).text.startswith("YubiKey 2 has the account")


def test_each_key_that_holds_the_account_is_told_of() -> None:
    found = Desk(report(held()), report(held(touch=False), serial="2")).look(wanted_account())
    assert states(found) == ["ok", "ok", "ok", "warning"]
    assert "on YubiKey 2 makes codes without a touch" in found[-1].text
    found = Desk(report(held()), report(held(kind="HOTP, SHA1", touch=None), serial="2")).look(
        wanted_account()
    )
    assert states(found) == ["ok", "ok", "ok", "failure"]


def test_an_account_may_be_on_a_key_that_is_locked() -> None:
    assert last(Desk(report(), report(serial="2", has_password=True, locked=True))).state == "skipped"


def test_without_a_touch_is_a_warning() -> None:
    finding = last(Desk(report(held(touch=False))))
    assert finding.state == "warning"
    assert finding.remedy.endswith(": vaultpy mfa enroll dev")


def test_the_wrong_kind_fails_before_one_that_is_missing() -> None:
    finding = last(Desk(report(), report(held(kind="HOTP, SHA1", touch=None), serial="2")))
    assert (finding.state, finding.remedy) == ("failure", errors.AccountUnfit.hint)


def test_two_that_may_be_meant_fail() -> None:
    finding = last(Desk(report(held("Amazon Web Services:alice@one"), held("Amazon Web Services:alice@two"))))
    assert (finding.state, finding.remedy) == ("failure", errors.AccountAmbiguous.hint)


def test_the_name_of_the_qr_code_will_do() -> None:
    assert last(Desk(report(held(QR_CODE)))).state == "ok"


def test_an_account_that_a_person_has_to_confirm_is_a_warning_until_they_have() -> None:
    desk = Desk(report(held("mine")))
    named = wanted_account(account="mine")
    finding = last(desk, named)
    assert (finding.state, finding.remedy) == ("warning", errors.AccountUnconfirmed.hint)
    desk.confirmed.add(("account", SERIAL, "mine"))
    assert last(desk, named).state == "ok"


@pytest.mark.parametrize("wanted", [wanted_account(yubikey="9"), wanted_account(key="9")])
def test_a_key_that_is_named_and_not_here_fails(wanted: WantedAccount) -> None:
    finding = last(Desk(report(held())), wanted)
    assert finding.text == "YubiKey 9 is not plugged in; what is: YubiKey 1"
    assert last(Desk(report(held()), report(held(), serial="9")), wanted).text.startswith("YubiKey 9 has")


def test_a_device_that_no_key_can_stand_for_is_not_looked_for() -> None:
    assert len(Desk(report()).look(wanted_account("GAHT12345678"))) == 1
