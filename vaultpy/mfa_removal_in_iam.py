"""The MFA devices of one IAM user, as a removal sees and takes them: who signs, and what a refusal means."""

from __future__ import annotations

from shlex import quote

from vaultpy import errors
from vaultpy.iam_records import DENIED, NOT_THERE, STILL_IN_USE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.credentials import Credentials, Signs
    from vaultpy.iam_records import EnabledDevice

    class Iam(Protocol):
        """IAM's calls about MFA devices."""

        def mfa_devices(self, signer: Signs, user_name: str) -> tuple[EnabledDevice, ...]: ...  # noqa: D102
        def deactivate_mfa_device(self, signer: Signs, user_name: str, serial: str) -> None: ...  # noqa: D102
        def delete_mfa_device(self, signer: Signs, serial: str) -> None: ...  # noqa: D102


class Devices:
    """The MFA devices of a user in IAM; an MFA session signs what AWS denies the access key."""

    def __init__(  # noqa: PLR0913  # who signs, and for whom
        self,
        iam: Iam,
        user_name: str,
        access_key: Signs,
        session: Callable[[], Credentials] | None,
        *,
        profile: str,
        own: bool = True,
    ) -> None:
        """`session` may cost a touch, and is asked for once at most; `profile` is named in hints.

        `own` if the devices are those of whoever signs.
        """
        self._iam = iam
        self._user_name = user_name
        self._signer = access_key
        self._session = session
        self._profile = profile
        self._own = own

    def listed(self) -> tuple[EnabledDevice, ...] | None:
        """Return them as far as whoever signs now may see them; None where AWS denies it."""
        try:
            return self._iam.mfa_devices(self._signer, self._user_name)
        except errors.AwsRefused as refusal:
            if refusal.code != DENIED:
                raise
            return None

    def only(self, serial: str) -> bool:
        """Tell whether it surely is the one device that the user has for codes, or was.

        Whatever keeps IAM from telling makes that unsure, and nothing worse.
        """
        try:
            listed = self.listed()
        except errors.VaultpyError:
            return False
        return listed is not None and not any(it.makes_codes and it.serial != serial for it in listed)

    def only_serial(self, known: tuple[str, ...]) -> str:
        """Return the one device that can be meant: of those `known`, else of those that IAM tells of.

        Raises SeveralMfaDevices and NoMfaDevice.
        """
        serials = known or tuple(it.serial for it in self.listed() or () if it.makes_codes)
        facts = {"user": self._user_name, "profile": self._profile}
        if not serials:
            raise errors.NoMfaDevice(**facts)
        if len(serials) > 1:
            raise errors.SeveralMfaDevices(mfa_serials=", ".join(serials), **facts)
        return serials[0]

    def deactivate(self, serial: str) -> bool:
        """Take the device from the user; tell whether the user had it. Raises DeviceForbidden."""
        had = self._done(serial, lambda it: self._iam.deactivate_mfa_device(it, self._user_name, serial))
        if had:
            self._session = None  # it may be this device that would make one
        return had

    def delete_unused(self, serial: str) -> bool:
        """Delete a virtual device that nobody has, and see of any other that it may be deleted later.

        Tell whether it is deleted. Raises DeviceForbidden.
        """
        try:
            return self.delete(serial)
        except errors.NotTheirDevice:
            return False

    def delete(self, serial: str) -> bool:
        """Delete a virtual device; tell whether there was one. Raises DeviceForbidden and NotTheirDevice."""
        return self._done(serial, lambda it: self._iam.delete_mfa_device(it, serial))

    def _done(self, serial: str, ask: Callable[[Signs], None]) -> bool:
        facts = {"mfa_serial": serial, "user": self._user_name, "profile": self._profile}
        try:
            self._permitted(ask)
        except errors.AwsRefused as refusal:
            if refusal.code == NOT_THERE:
                return False
            if refusal.code == STILL_IN_USE:
                raise errors.NotTheirDevice(**facts) from None
            if refusal.code != DENIED:
                raise
            remedy = f"have an administrator remove it: {removal_command('ADMIN', serial, self._user_name)}"
            raise errors.DeviceForbidden(action="remove", remedy=remedy, **facts) from None
        return True

    def _permitted(self, ask: Callable[[Signs], None]) -> None:
        try:
            return ask(self._signer)
        except errors.AwsRefused as refusal:
            if refusal.code != DENIED or self._session is None or self._has_none():
                raise
        session, self._session = self._session, None
        self._signer = session()
        return ask(self._signer)

    def _has_none(self) -> bool:
        """Tell whether surely no device is left that could make a session."""
        try:
            listed = self.listed() if self._own else None
        except errors.VaultpyError:
            return False
        return listed is not None and not any(it.makes_codes for it in listed)


def removal_command(profile: str, serial: str, user: str) -> str:
    """Return the command that removes a device; `profile` stands in it as it is."""
    other = f" --user {quote(user)}" if user else ""
    return f"vaultpy mfa remove {profile}{other} --mfa-serial {quote(serial)}"
