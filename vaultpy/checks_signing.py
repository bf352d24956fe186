"""Access keys whose secrets live on YubiKeys: which key holds one, and what stands between it and a thief."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.findings import Finding, failure, ok, skipped, told_by, warning
from vaultpy.signing_account import KIND, account_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.held_account import HeldAccount
    from vaultpy.records import Enrolment
    from vaultpy.yubikey_look import YubiKeyReport


def on_yubikeys(enrolments: list[Enrolment]) -> list[Enrolment]:
    """Return those whose secrets live on YubiKeys, each access key once."""
    found = {it.access_key_id: it for it in reversed(enrolments) if it.on_yubikey}
    return list(found.values())


def accounts(reports: list[YubiKeyReport], enrolments: list[Enrolment]) -> Iterator[Finding]:
    """Look for the account of each access key on the keys that could be looked at."""
    for enrolment in on_yubikeys(enrolments):
        name = account_name(enrolment.access_key_id)
        held = [
            (report, it)
            for report in reports
            for it in report.accounts or ()
            if it.account.id == name.encode()
        ]
        for report, account in held:
            yield _found(enrolment, report, account)
        if not held:
            yield _nowhere(enrolment, reports)


def _found(enrolment: Enrolment, report: YubiKeyReport, held: HeldAccount) -> Finding:
    key_id, where = enrolment.access_key_id, report.where
    if held.account.kind != KIND:
        return told_by(
            errors.SigningAccountUnfit(account=held.account.name, where=where, kind=held.account.kind)
        )
    if not held.touch:
        text = f"{where} gives any program day keys of access key {key_id} without a touch, for any date"
        return failure(text, f"replace that access key: vaultpy rotate {quote(enrolment.name)} --on-yubikey")
    if not report.has_password:
        text = f"{where} holds access key {key_id} and has no OATH password: who finds it needs nothing else"
        return warning(text, "set one: ykman oath access change")
    return ok(f"{where} signs with access key {key_id}, and waits for a touch")


def _nowhere(enrolment: Enrolment, reports: list[YubiKeyReport]) -> Finding:
    key_id = enrolment.access_key_id
    if not any(report.accounts is not None for report in reports):
        return skipped(f"access key {key_id} lives on a YubiKey, and none could be looked at")
    return warning(f"no YubiKey here holds access key {key_id}", "plug in the one that does, and look again")
