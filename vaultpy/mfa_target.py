"""The MFA device that is to be: whose, its serial, its account on a YubiKey, and the profile naming it."""

from __future__ import annotations

from vaultpy.accounts import NAME_BYTES, qr_code_name
from vaultpy.config_edit import NewProfile, add_profiles, check_profiles
from vaultpy.errors import ProfileExists
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.records import Records


class Target(Value):
    """A virtual MFA device called `name`, of the user `user_name`, and the name of its account on keys."""

    __slots__ = ("account", "name", "serial", "user_name")
    user_name: str
    name: str
    serial: str
    account: str

    def __init__(self, user_name: str, name: str, serial: str, account: str) -> None:
        self._set(user_name=user_name, name=name, serial=serial, account=account)

    def known_as(self, serial: str) -> Target:
        """Return the same device under the serial that it turned out to have; its account keeps its name."""
        return Target(self.user_name, self.name, serial, self.account)

    def settings(self) -> tuple[tuple[str, str], ...]:
        """Return what a profile says of it."""
        named = () if self.account == self.serial else (("vaultpy_account", self.account),)
        return (("mfa_serial", self.serial), *named)


def target(arn: str, user_name: str, name: str | None) -> Target:
    """Return the device of a user in the account and partition of `arn`, called as the user without `name`.

    Its account is called by its serial, as vaultpy finds it unasked; where a YubiKey has no room for that, as
    the QR code would call it.
    """
    _, partition, _, _, account_id, *_ = arn.split(":")
    name = name or user_name
    serial = f"arn:{partition}:iam::{account_id}:mfa/{name}"
    fits = len(serial.encode("utf-8", "surrogateescape")) <= NAME_BYTES
    return Target(user_name, name, serial, serial if fits else qr_code_name(user_name, account_id))


class Destination:
    """The profile of an enrolled user, and what the index says of it."""

    def __init__(self, config: Config, index: Index, name: str) -> None:
        self.name = name
        self._config = config
        self._index = index

    def takes(self, wanted: Target) -> bool:
        """Tell whether `keep` will write it: not beside another device that the profile names.

        Raises what `add_profiles` raises for what stands in the file now.
        """
        if self._config.has(self.name) and self._config.profile(self.name).vaultpy_mfa_serials:
            return False
        try:
            check_profiles(self._config.path, [NewProfile(self.name, wanted.settings())])
        except ProfileExists:
            return False
        return True

    def has(self, wanted: Target) -> bool:
        """Tell whether the profile names it already."""
        if not self._config.has(self.name):
            return False
        profile = self._config.profile(self.name)
        return wanted.serial in (profile.mfa_serial, *profile.vaultpy_mfa_serials)

    def keep(self, wanted: Target) -> bool:
        """List the device in the index, and in the profile if it takes it, which is returned.

        Raises StateUnusable and ConfigUnwritable, and may be repeated.
        """
        self._index.change(lambda records: _list_device(records, self.name, wanted.serial))
        takes = self.takes(wanted)
        if takes:
            add_profiles(self._config.path, [NewProfile(self.name, wanted.settings())])
        return takes


def _list_device(records: Records, name: str, serial: str) -> None:
    enrolment = records.enrolments.get(name)
    if enrolment is not None and serial not in enrolment.mfa_serials:
        records.enrolments[name] = enrolment.with_mfa_serials((*enrolment.mfa_serials, serial))
