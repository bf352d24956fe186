"""What `doctor` is told of one YubiKey."""

from __future__ import annotations

from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.held_account import HeldAccount


class KeyReport(Value):
    """A key, and the accounts on it; None if it is locked and nobody remembers its OATH password.

    `where` names it for a person, `version` is its firmware's (of other makers' tokens, their OATH's).
    """

    __slots__ = ("accounts", "fips", "has_password", "over_usb", "serial", "version", "where")
    where: str
    serial: str | None
    version: tuple[int, ...]
    fips: bool
    over_usb: bool
    has_password: bool
    accounts: tuple[HeldAccount, ...] | None

    def __init__(  # noqa: PLR0913  # a record has its fields
        self,
        where: str,
        serial: str | None,
        version: tuple[int, ...],
        *,
        fips: bool,
        over_usb: bool,
        has_password: bool,
        accounts: tuple[HeldAccount, ...] | None,
    ) -> None:
        self._set(where=where, serial=serial, version=version, fips=fips, over_usb=over_usb)
        self._set(has_password=has_password, accounts=accounts)
