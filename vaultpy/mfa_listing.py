"""What `mfa list` shows: the MFA devices of users in IAM, beside the accounts on YubiKeys that are here."""

from __future__ import annotations

import time

from vaultpy.accounts import Account, choose
from vaultpy.errors import AccountAmbiguous, AccountMissing
from vaultpy.mfa import CodeWanted
from vaultpy.mfa_codes import makes_codes
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from vaultpy.held_account import HeldAccount
    from vaultpy.iam_records import EnabledDevice

VIRTUAL, HARDWARE, FIDO = "virtual", "hardware", "fido"
_USELESS = {
    FIDO: "FIDO: it cannot serve the API",
    HARDWARE: "a token that shows its codes, which are typed",
}


class UserDevices(Value):
    """A user, enrolled as `name`: the devices that IAM tells of, None where it does not; those known here.

    `known` are the serials that the profile and the index name, `account` the profile's `vaultpy_account`.
    """

    __slots__ = ("account", "in_iam", "known", "name", "user_arn", "user_name")
    name: str
    user_arn: str
    user_name: str
    in_iam: tuple[EnabledDevice, ...] | None
    known: tuple[str, ...]
    account: str | None

    def __init__(  # noqa: PLR0913  # a record has its fields
        self,
        name: str,
        user_arn: str,
        user_name: str,
        *,
        in_iam: tuple[EnabledDevice, ...] | None,
        known: tuple[str, ...],
        account: str | None,
    ) -> None:
        self._set(name=name, user_arn=user_arn, user_name=user_name)
        self._set(in_iam=in_iam, known=known, account=account)


class HeldKey(Value):
    """A YubiKey that is plugged in: how it is called, and what it holds."""

    __slots__ = ("accounts", "where")
    where: str
    accounts: tuple[HeldAccount, ...]

    def __init__(self, where: str, accounts: tuple[HeldAccount, ...]) -> None:
        self._set(where=where, accounts=accounts)


class Row(Value):
    """One MFA device on one YubiKey; empty texts, None and 0 where there is nothing or nobody tells.

    `kind` is `virtual`, `hardware` or `fido`; `enabled` is an epoch in seconds; `problem` says why it
    does not serve, or serves badly. An account for AWS that belongs to no known device has no `mfa_serial`.
    """

    __slots__ = (
        "account",
        "enabled",
        "in_iam",
        "kind",
        "mfa_serial",
        "problem",
        "profile",
        "touch",
        "user_arn",
        "yubikey",
    )
    profile: str
    user_arn: str
    mfa_serial: str
    kind: str
    in_iam: bool | None
    enabled: int
    yubikey: str
    account: str
    touch: bool | None
    problem: str

    def __init__(  # noqa: PLR0913  # a row has its cells
        self,
        *,
        profile: str = "",
        user_arn: str = "",
        mfa_serial: str = "",
        in_iam: bool | None = None,
        enabled: int = 0,
        yubikey: str = "",
        account: str = "",
        touch: bool | None = None,
        problems: Sequence[str] = (),
    ) -> None:
        kind = _kind(mfa_serial)
        told = ([_USELESS[kind]] if kind in _USELESS else []) + list(problems)
        self._set(profile=profile, user_arn=user_arn, mfa_serial=mfa_serial, kind=kind, in_iam=in_iam)
        self._set(enabled=enabled, yubikey=yubikey, account=account, touch=touch, problem="; ".join(told))

    def as_json(self) -> dict[str, object]:
        """Return the object that `mfa list --json` shows, as docs/schemas/mfa-list.json promises."""
        return {
            "profile": self.profile or None,
            "user_arn": self.user_arn or None,
            "mfa_serial": self.mfa_serial or None,
            "kind": self.kind or None,
            "in_iam": self.in_iam,
            "enabled": self.enabled or None,
            "yubikey": self.yubikey or None,
            "account": self.account or None,
            "touch": self.touch,
            "problem": self.problem or None,
        }

    def cells(self) -> tuple[str, ...]:
        """Return what stands under `HEADINGS`, for a person."""
        since = time.strftime("%Y-%m-%d", time.gmtime(self.enabled)) if self.enabled else ""
        touch = {True: "yes", False: "no", None: ""}[self.touch]
        named = f"account {self.account}" if self.account not in {"", self.mfa_serial} else ""
        remark = "; ".join(filter(None, [named, self.problem]))
        return self.profile, self.mfa_serial, since, self.yubikey, touch, remark


HEADINGS = ("PROFILE", "MFA DEVICE", "SINCE", "YUBIKEY", "TOUCH", "REMARK")


def rows(users: list[UserDevices], keys: list[HeldKey]) -> list[Row]:
    """Return a row for each device of each user and each key that holds it, then accounts of no device."""
    used: set[tuple[str, bytes]] = set()
    found = [row for user in users for row in _of_user(user, keys, used)]
    left = [(key.where, held) for key in keys for held in key.accounts if held.for_aws]
    return found + [_of_nobody(where, held) for where, held in left if (where, held.account.id) not in used]


def _of_user(user: UserDevices, keys: list[HeldKey], used: set[tuple[str, bytes]]) -> list[Row]:
    enabled = {device.serial: device.enabled for device in user.in_iam or ()}
    found = []
    for serial in dict.fromkeys([*enabled, *user.known]):
        in_iam = None if user.in_iam is None else serial in enabled
        problems = ["IAM does not have it for this user"] if in_iam is False else []
        for where, held, more in _on_keys(user, serial, keys) or [("", None, [])]:
            if held is not None:
                used.add((where, held.account.id))
            row = Row(
                profile=user.name,
                user_arn=user.user_arn,
                mfa_serial=serial,
                in_iam=in_iam,
                enabled=enabled.get(serial, 0),
                yubikey=where,
                account=held.account.name if held else "",
                touch=held.touch if held else None,
                problems=problems + more,
            )
            found.append(row)
    return found


def _on_keys(
    user: UserDevices, serial: str, keys: list[HeldKey]
) -> list[tuple[str, HeldAccount | None, list[str]]]:
    """Return where a device's account is, and what is wrong with it; no account if several may be it."""
    if not makes_codes(serial):
        return []
    wanted = CodeWanted((serial,), user.user_name, account=user.account, purpose="")
    found: list[tuple[str, HeldAccount | None, list[str]]] = []
    for key in keys:
        held_by_id = {held.account.id: held for held in key.accounts}
        # all of them as if they fitted: here one that does not is to be seen, and not an error
        as_if = [Account(it.account.id, it.account.kind, fits=True) for it in key.accounts]
        try:
            choice = choose(as_if, wanted, key.where)
        except AccountMissing:
            continue
        except AccountAmbiguous as ambiguous:
            found.append((key.where, None, [ambiguous.message]))
            continue
        held = held_by_id[choice.account.id]
        unsure = ["exec asks whether it is this device's"] if choice.unsure else []
        found.append((key.where, held, unsure + _wrong_with(held)))
    return found


def _of_nobody(where: str, held: HeldAccount) -> Row:
    problems = ["of no MFA device that is known here", *_wrong_with(held)]
    return Row(yubikey=where, account=held.account.name, touch=held.touch, problems=problems)


def _wrong_with(held: HeldAccount) -> list[str]:
    if not held.account.fits:
        return [f"it does not make AWS's codes: {held.account.kind}"]
    return ["any program here gets its codes without a touch"] if held.touch is False else []


def _kind(mfa_serial: str) -> str:
    if not mfa_serial:
        return ""
    if makes_codes(mfa_serial):
        return VIRTUAL
    return FIDO if mfa_serial.startswith("arn:") else HARDWARE
