"""Which OATH account on a YubiKey is the one for an MFA device: pure, decided on bytes.

An account is taken unasked only under two names: the MFA serial itself, and the one that the console's QR
code gives, `Amazon Web Services:<user>@<account id>`. The QR code's form with an account alias, and a name
that the profile tells, might be another user's or another account's: those a person confirms, once.
"""

from __future__ import annotations

from vaultpy.errors import AccountAmbiguous, AccountMissing, AccountUnfit
from vaultpy.text import printable
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.mfa import CodeWanted

ISSUER = "Amazon Web Services:"
"""How the name of an account begins that comes of the console's QR code."""
NAME_BYTES = 64
"""The most that a YubiKey takes as an account's name."""
TOUCH_SINCE = (4, 2, 6)
"""The first firmware of a YubiKey that makes an account wait for a touch."""


class Account(Value):
    """An OATH account: its id as the card has it, and what kind of codes it makes."""

    __slots__ = ("fits", "id", "kind")
    id: bytes
    kind: str
    fits: bool

    def __init__(self, account_id: bytes, kind: str, *, fits: bool) -> None:
        """`fits`: TOTP with SHA-1 and steps of 30 s, as AWS wants it; `kind` says in words what it is."""
        self._set(id=account_id, kind=kind, fits=fits)

    @property
    def name(self) -> str:
        """The id for a person to read."""
        return printable(self.id.decode("utf-8", "backslashreplace"))


class Choice(Value):
    """The account to use for an MFA device, and whether a person has to say yes to that first."""

    __slots__ = ("account", "mfa_serial", "unsure")
    account: Account
    mfa_serial: str
    unsure: bool

    def __init__(self, account: Account, mfa_serial: str, *, unsure: bool) -> None:
        self._set(account=account, mfa_serial=mfa_serial, unsure=unsure)


def qr_code_name(user_name: str, account: str) -> str:
    """Return the name that the console's QR code gives: `account` is the AWS account's id, or its alias."""
    return f"{ISSUER}{user_name}@{account}"


def choose(accounts: list[Account], wanted: CodeWanted, where: str) -> Choice:
    """Return the one account that may serve; raises AccountMissing, AccountAmbiguous or AccountUnfit.

    The MFA serial itself goes before the QR code's form, which two devices of one user share.
    """
    certain = [choice for serial in wanted.mfa_serials for choice in _certain(accounts, serial, wanted)]
    unsure = [choice for serial in wanted.mfa_serials for choice in _unsure(accounts, serial, wanted)]
    choices = certain[:1] or unsure
    serials = ", ".join(wanted.mfa_serials)
    if not choices:
        names = ", ".join(account.name for account in accounts) or "none"
        raise AccountMissing(mfa_serial=serials, where=where, accounts=names)
    rivals = list(dict.fromkeys(choice.account for choice in choices))
    if len(rivals) > 1:
        names = ", ".join(account.name for account in rivals)
        raise AccountAmbiguous(mfa_serial=serials, where=where, accounts=names)
    choice = choices[0]
    if not choice.account.fits:
        raise AccountUnfit(account=choice.account.name, where=where, kind=choice.account.kind)
    return choice


def _certain(accounts: list[Account], serial: str, wanted: CodeWanted) -> list[Choice]:
    names = [serial]
    if account_id := _account_id(serial):
        names.append(qr_code_name(wanted.user_name, account_id))
    if wanted.account is not None:
        names = [name for name in names if name == wanted.account]
    found = [account for name in names for account in _called(accounts, name)]
    return [Choice(account, serial, unsure=False) for account in found]


def _unsure(accounts: list[Account], serial: str, wanted: CodeWanted) -> list[Choice]:
    if wanted.account is not None:
        found = _called(accounts, wanted.account)
    else:
        start = qr_code_name(wanted.user_name, "").encode()
        found = [account for account in accounts if _is_alias_form(account.id, start)]
    return [Choice(account, serial, unsure=True) for account in found]


def _called(accounts: list[Account], name: str) -> list[Account]:
    """Return those of that name; one that has a period before it only where none is without."""
    wanted = name.encode("utf-8", "surrogateescape")
    exact = [account for account in accounts if account.id == wanted]
    return exact or [account for account in accounts if _without_period(account.id) == wanted]


def _without_period(account_id: bytes) -> bytes:
    """Take off what hosts put before the name of an account whose steps are not of 30 s, as in `60/name`."""
    period, slash, name = account_id.partition(b"/")
    return name if slash and period.isdigit() else account_id


def _is_alias_form(account_id: bytes, start: bytes) -> bool:
    alias = account_id[len(start) :]
    return account_id.startswith(start) and bool(alias) and not alias.isdigit()


def _account_id(mfa_serial: str) -> str:
    parts = mfa_serial.split(":")
    return parts[4] if len(parts) > 5 else ""  # noqa: PLR2004  # arn:partition:iam::account:mfa/name
