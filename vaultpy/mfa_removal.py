"""Removing an MFA device: out of IAM, off the YubiKeys that are plugged in, out of the profile and the index.

In this order, because each later part is useless without the earlier ones, and harmless: an account whose
device is gone makes codes that nobody takes. What is done already counts as done, so that a removal which
was interrupted is finished by the same command.
"""

from __future__ import annotations

from shlex import quote

from vaultpy import errors
from vaultpy.accounts import qr_code_name
from vaultpy.config_edit import take_out_setting
from vaultpy.mfa_codes import makes_codes
from vaultpy.mfa_removal_in_iam import removal_command
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.mfa_removal_in_iam import Devices
    from vaultpy.records import Records

    class Key(Protocol):
        """A YubiKey that is plugged in."""

        def delete(self, name: str) -> bool:
            """Delete the account of that name; tell whether there was one."""


class Removal(Value):
    """What is to be removed: the device `serial` of `user_name`, asked for under the enrolled name `profile`.

    `user` is whom an administrator named, else empty: then `profile` is the user's own, and `account` its
    `vaultpy_account`.
    """

    __slots__ = ("account", "profile", "serial", "user", "user_name")
    profile: str
    user: str
    user_name: str
    serial: str
    account: str

    def __init__(
        self, profile: str, user_name: str, serial: str, *, user: str = "", account: str = ""
    ) -> None:
        self._set(profile=profile, user_name=user_name, serial=serial, user=user, account=account)

    @property
    def command(self) -> str:
        """What removes it, and finishes a removal that was interrupted."""
        return removal_command(quote(self.profile), self.serial, self.user)

    def question(self, *, only: bool) -> str:
        """Return what a person is asked; `only` if the user has no other device that makes codes."""
        warned = ", the only one for codes" if only else ""
        keys = " and the YubiKeys that are plugged in" if makes_codes(self.serial) else ""
        return f"remove MFA device {self.serial} of {self.user_name}{warned}, from IAM{keys}, for good?"

    def accounts(self, *, only: bool) -> list[str]:
        """Return the names of its accounts; if it was the `only` device, those too that two may share."""
        if not makes_codes(self.serial):
            return []
        shared = [qr_code_name(self.user_name, self.serial.split(":")[4]), self.account]
        return [self.serial, *(filter(None, shared) if only else [])]


class Remover:
    """Removes one device, and says what it has done."""

    def __init__(  # noqa: PLR0913  # its ports
        self,
        devices: Devices,
        keys: Callable[[], Sequence[tuple[str, Key | errors.VaultpyError]]],
        *,
        index: Index,
        config_path: str,
        say: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        """`keys` gives the keys that are plugged in, each with its name; for some, the problem instead."""
        self._devices = devices
        self._keys = keys
        self._index = index
        self._config_path = config_path
        self._say = say
        self._note = note

    def remove(self, removal: Removal) -> None:
        """Do it; what fails after IAM's part does not keep the rest from being done.

        Raises DeviceForbidden, NotTheirDevice and what IAM raises, with nothing done; MfaRemovalUnfinished.
        """
        self._out_of_iam(removal)
        accounts = removal.accounts(only=self._devices.only(removal.serial))
        left = self._off_the_keys(accounts) if accounts else []
        parts: list[Callable[[], None]] = [
            lambda: self._out_of_profile(removal, accounts),
            lambda: self._out_of_index(removal),
        ]
        for part in parts:
            try:
                part()
            except errors.VaultpyError as why:  # noqa: PERF203  # the next part is no worse for it
                left.append(why.message)
        if left:
            raise self._unfinished(removal, "; ".join(left))

    def _out_of_iam(self, removal: Removal) -> None:
        virtual = makes_codes(removal.serial)  # no other kind is IAM's to delete
        # Whoever may only deactivate is told so before; MFA, too, can be had only as long as it is enabled.
        existed = virtual and self._devices.delete_unused(removal.serial)
        had = self._devices.deactivate(removal.serial)
        if virtual and not existed:
            try:
                existed = self._devices.delete(removal.serial)
            except errors.VaultpyError as why:
                if not had:
                    raise
                raise self._unfinished(
                    removal, f"IAM may have it still, enabled for nobody: {why.message}"
                ) from None
        if had or existed:
            self._say(f"removed MFA device {removal.serial} of {removal.user_name} from IAM")
        else:
            self._say(f"IAM has no MFA device {removal.serial} of {removal.user_name} any more")

    def _off_the_keys(self, accounts: list[str]) -> list[str]:
        """Delete them from the keys that are here; return what could not be done."""
        left: list[str] = []
        deleted = 0
        try:
            keys = self._keys()
        except errors.VaultpyError as why:
            self._note(f"no YubiKey was looked at: {why.message}")
            return []
        for where, key in keys:
            if isinstance(key, errors.VaultpyError):
                if not isinstance(key, errors.OathOff):
                    left.append(f"{where} was not looked at: {key.message}")
                continue
            try:
                for account in accounts:
                    if key.delete(account):
                        deleted += 1
                        self._say(f"deleted account {account} from {where}")
            except errors.VaultpyError as why:
                left.append(f"{where} may hold its account: {why.message}")
        if not deleted and not left:
            self._note(
                "no YubiKey that is plugged in holds its account; on another one it is of no use any more"
            )
        return left

    def _out_of_profile(self, removal: Removal, accounts: list[str]) -> None:
        if removal.user:
            return
        settings = [("mfa_serial", removal.serial)]
        settings += [("vaultpy_account", removal.account)] if removal.account in accounts else []
        for key, value in settings:
            if take_out_setting(self._config_path, removal.profile, key, value):
                self._say(f"took {key} out of [profile {removal.profile}] in {self._config_path}")

    def _out_of_index(self, removal: Removal) -> None:
        if any(removal.serial in enrolment.mfa_serials for enrolment in self._index.enrolments()):
            self._index.change(lambda records: _forget_device(records, removal.serial))

    @staticmethod
    def _unfinished(removal: Removal, left: str) -> errors.MfaRemovalUnfinished:
        return errors.MfaRemovalUnfinished(mfa_serial=removal.serial, left=left, command=removal.command)


def _forget_device(records: Records, serial: str) -> None:
    for name, enrolment in records.enrolments.items():
        others = tuple(other for other in enrolment.mfa_serials if other != serial)
        records.enrolments[name] = enrolment.with_mfa_serials(others)


def profiles_naming(config: Config, serial: str) -> list[str]:
    """Return the profiles that name the device, by themselves or through what they include."""
    found = []
    for name in config.names():
        try:
            profile = config.profile(name)
            if serial in (profile.mfa_serial, *profile.vaultpy_mfa_serials):
                found.append(name)
        except errors.VaultpyError:  # noqa: PERF203  # `exec` says what is wrong with it
            continue
    return found
