"""The smart card service, the keys that are plugged in, and whether they hold what the profiles want."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy import checks_signing, errors
from vaultpy.accounts import TOUCH_SINCE, choose
from vaultpy.findings import WARNING, Finding, failure, ok, skipped, told_by, warning
from vaultpy.mfa import CodeWanted, is_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Protocol

    from vaultpy.accounts import Choice
    from vaultpy.plan import Plan
    from vaultpy.records import Enrolment
    from vaultpy.yubikey_look import YubiKeyReport

    class Keys(Protocol):
        """The keys of this computer."""

        environ: Mapping[str, str]

        def reader_names(self) -> tuple[list[str], list[str]]:
            """Return the readers with a card and those without; raises PcscMissing and its like."""

        def key_reports(self) -> list[tuple[str, YubiKeyReport | errors.VaultpyError]]:
            """Return each key with its reader's name, or why it cannot be told."""

        def yubico_on_usb(self) -> bool:
            """Tell whether a device of Yubico's is plugged in."""

        def card_users(self) -> list[str]:
            """Return the user's programs that use smart cards."""


class WantedAccount:
    """What a profile wants of a YubiKey: an account, and perhaps one certain key."""

    def __init__(self, plan: Plan, yubikey: str | None) -> None:
        """`yubikey` is the serial number that the environment names."""
        serials = next((it.mfa_serials for it in plan.requests if it.mfa_serials), ())
        self.profile = plan.profile.name
        self.yubikey = yubikey or plan.profile.vaultpy_yubikey
        self.code = CodeWanted(
            tuple(filter(is_virtual, serials)),
            plan.signer.user_name,
            account=plan.profile.vaultpy_account,
            purpose="",
        )

    @property
    def same(self) -> tuple[object, ...]:
        """What two profiles have in common whose wanted_accounts are one."""
        return self.code, self.yubikey


def keys(
    ports: Keys,
    wanted_accounts: Callable[[], list[WantedAccount]],
    confirmed: Callable[[str, str, str], bool],
    enrolments: Callable[[], list[Enrolment]] = list,
) -> Iterator[Finding]:
    """Look at the service, the readers and the keys, then for each account that is wanted, and what signs.

    `confirmed(kind, subject, answer)` is the index's.
    """
    with_card, empty = ports.reader_names()
    yield ok("the smart card service answers")
    seen = ports.key_reports()
    if not seen:
        yield _nothing(ports, with_card, empty)
    for reader, report in seen:
        if isinstance(report, errors.VaultpyError):
            yield _unseen(ports, reader, report)
        else:
            yield from _key(report)
    reports = [report for _, report in seen if not isinstance(report, errors.VaultpyError)]
    for wanted in {it.same: it for it in reversed(wanted_accounts()) if it.code.mfa_serials}.values():
        yield from _accounts(wanted, reports, confirmed)
    yield from checks_signing.accounts(reports, enrolments())


def _nothing(ports: Keys, with_card: list[str], empty: list[str]) -> Finding:
    readers = with_card + empty
    part = ports.environ.get("VAULTPY_READER") or ""
    if part and not any(part.casefold() in reader.casefold() for reader in readers):
        return told_by(errors.ReaderAbsent(text=part, seen=", ".join(readers) or "none"))
    if not ports.yubico_on_usb():
        if with_card and not part:
            return told_by(errors.CardPassedOver(reader=with_card[0]), WARNING)
        seen = f"; card readers: {', '.join(readers)}" if readers else ""
        return warning(f"no YubiKey is plugged in{seen}", "plug it in and run this again")
    users = [user for user in ports.card_users() if user.startswith("scdaemon ")]
    if users:
        text = f"a Yubico device is plugged in and shows no card reader; {users[0]} may have taken it"
        return failure(
            text, "end it: gpgconf --kill scdaemon (disable-ccid in scdaemon.conf keeps it away for good)"
        )
    return told_by(errors.NoCardReader())


def _unseen(ports: Keys, reader: str, error: errors.VaultpyError) -> Finding:
    text = f"{reader}: {error.message}"
    users = ", ".join(ports.card_users()) if isinstance(error, errors.CardHeld) else ""
    return failure(f"{text}; programs here that use cards: {users}" if users else text, error.hint)


def _key(report: YubiKeyReport) -> Iterator[Finding]:
    firmware = ".".join(map(str, report.version))
    way = "" if report.over_usb else ", on an NFC reader"
    fips = ", FIPS" if report.fips else ""
    yield ok(f"{report.where}: firmware {firmware}{fips}{way}, OATH is on")
    if report.serial and report.version < TOUCH_SINCE:
        text = f"{report.where} has firmware {firmware}, which cannot make an account wait for a touch"
        yield warning(text, "use a YubiKey with firmware 4.2.6 or later")
    if report.fips and not report.has_password:
        yield told_by(errors.FipsWithoutPassword(where=report.where))
    if report.accounts is None:
        text = f"{report.where} is locked, and its OATH password is not remembered here"
        yield warning(text, errors.OathPasswordNeeded.hint)
    elif report.has_password:
        yield ok(f"{report.where}: its OATH password is remembered")


def _accounts(
    wanted: WantedAccount, reports: list[YubiKeyReport], confirmed: Callable[[str, str, str], bool]
) -> Iterator[Finding]:
    """Tell of the account on each key that holds it; where none does, of what is wrong."""
    serials = ", ".join(wanted.code.mfa_serials)
    asked = [it for it in reports if wanted.yubikey in {None, it.serial}]
    if wanted.yubikey and reports and not asked:
        seen = ", ".join(it.where for it in reports)
        yield told_by(errors.YubiKeyAbsent(serial=wanted.yubikey, seen=seen))
        return
    missing: list[errors.VaultpyError] = []
    holders = 0
    for report in asked:
        if report.accounts is None:
            continue
        try:
            choice = choose([it.account for it in report.accounts], wanted.code, report.where)
        except errors.AccountMissing as problem:
            missing.append(problem)
            continue
        except errors.VaultpyError as problem:
            yield told_by(problem)
        else:
            yield _found(wanted, report, choice, confirmed)
        holders += 1
    if not holders and (not missing or len(missing) < len(asked)):
        yield skipped(f"the account for {serials}: no key that can be looked at has it")
    elif not holders:
        yield told_by(missing[0])


def _found(
    wanted: WantedAccount, report: YubiKeyReport, choice: Choice, confirmed: Callable[[str, str, str], bool]
) -> Finding:
    name, serial = choice.account.name, choice.mfa_serial
    if choice.unsure and not confirmed("account", serial, name):
        text = f"account {name} on {report.where} may be the one for {serial}, which nobody has confirmed"
        return warning(text, errors.AccountUnconfirmed.hint)
    held = next(it for it in report.accounts or () if it.account == choice.account)
    if not held.touch:
        text = f"account {name} on {report.where} makes codes without a touch, for any program that asks"
        return warning(
            text, f"make an MFA device whose account waits for one: vaultpy mfa enroll {wanted.profile}"
        )
    return ok(f"{report.where} has the account for {serial}, which waits for a touch")
