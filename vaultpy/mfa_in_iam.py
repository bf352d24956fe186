"""The MFA device of one IAM user, as an enrolment makes and unmakes it: who signs, what a refusal means.

What may be repeated is, a little later; what may not is looked at afterwards.
"""

from __future__ import annotations

from vaultpy import errors
from vaultpy.iam_records import ALREADY_THERE, DENIED, LIMIT_REACHED, NOT_THERE, UNCLEAR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    from vaultpy.credentials import Signs
    from vaultpy.iam_records import EnabledDevice, VirtualDevice
    from vaultpy.values import Secret

    T = TypeVar("T")

    class Iam(Protocol):
        """IAM's calls about MFA devices."""

        def mfa_devices(self, signer: Signs, user_name: str) -> tuple[EnabledDevice, ...]: ...  # noqa: D102
        def unassigned_serials(self, signer: Signs) -> tuple[str, ...]: ...  # noqa: D102
        def create_mfa_device(self, signer: Signs, name: str) -> VirtualDevice: ...  # noqa: D102
        def enable_mfa_device(  # noqa: D102
            self, signer: Signs, user_name: str, serial: str, codes: tuple[Secret, Secret]
        ) -> None: ...
        def deactivate_mfa_device(self, signer: Signs, user_name: str, serial: str) -> None: ...  # noqa: D102
        def delete_mfa_device(self, signer: Signs, serial: str) -> None: ...  # noqa: D102

    class Signers(Protocol):
        """Who may sign."""

        @property
        def profile(self) -> str:
            """The profile's name."""

        def first(self) -> Signs:
            """Return who signs without a touch, or all that an administrator has."""

        def with_mfa(self, serials: tuple[str, ...]) -> Signs | None:
            """Return a session made with one of the user's devices, `serials` as far as IAM tells.

            None where there is nothing better than `first`, or no device is known.
            """

    class Person(Protocol):
        """Whoever waits."""

        def wait(self, text: str, seconds: float) -> None: ...  # noqa: D102


MOST_DEVICES = 8
_NOTHING_SENT = (errors.Unreachable, errors.TlsFailed)
_PAUSES_SECONDS = (1, 3)


class MfaInIam:
    """The devices of `user_name`; raises the errors of IAM's edge, and what stands at each method."""

    def __init__(self, iam: Iam, signers: Signers, user_name: str, person: Person) -> None:
        """Ask nothing yet."""
        self._iam = iam
        self._signers = signers
        self._signer: Signs | None = None
        self._user_name = user_name
        self._person = person

    # ---- looking -------------------------------------------------------------------------------------

    def enabled(self) -> tuple[EnabledDevice, ...] | None:
        """Return the user's devices; None where AWS does not let us ask."""
        return self._if_allowed(lambda: self._iam.mfa_devices(self._who, self._user_name))

    def unassigned(self) -> tuple[str, ...] | None:
        """Return the serials of the account's that are nobody's; None where AWS does not let us ask."""
        return self._if_allowed(lambda: self._iam.unassigned_serials(self._who))

    def sign_with_mfa(self, enabled: tuple[EnabledDevice, ...] | None) -> bool:
        """Let a session sign from now on, where the user has a device; tell whether one does."""
        serials = tuple(device.serial for device in enabled or () if device.makes_codes)
        if enabled is not None and not serials:
            return False
        better = self._signers.with_mfa(serials)
        if better is not None:
            self._signer = better
        return better is not None

    def full(self, count: int) -> errors.MfaDevicesFull:
        """Return the error that the user has so many devices."""
        return errors.MfaDevicesFull(user=self._user_name, count=count)

    # ---- changing ------------------------------------------------------------------------------------

    def create(self, name: str, serial: str) -> VirtualDevice:
        """Create a device; raises MfaDeviceExists and MfaForbidden."""
        try:
            return self._permitted(
                lambda: self._patiently(lambda: self._iam.create_mfa_device(self._who, name), _NOTHING_SENT)
            )
        except errors.AwsRefused as refused:
            if refused.code != ALREADY_THERE:
                raise
        raise errors.MfaDeviceExists(serial=serial, profile=self._signers.profile)

    def create_anew(self, name: str, serial: str) -> VirtualDevice:
        """Create it again after an answer that was lost, and the seed with it; raises what `create` does."""
        self._person.wait("the answer about the new MFA device was lost: making it anew", _PAUSES_SECONDS[0])
        self.delete(serial)
        return self.create(name, serial)

    def enable(self, serial: str, codes: Callable[[], tuple[Secret, Secret]]) -> None:
        """Enable it with the codes of the previous and the present step; raises MfaForbidden."""
        try:
            self._permitted(
                lambda: self._patiently(
                    lambda: self._iam.enable_mfa_device(self._who, self._user_name, serial, codes()),
                    _NOTHING_SENT,
                )
            )
        except errors.AwsRefused as refused:
            if refused.code != LIMIT_REACHED:
                raise
            raise self.full(MOST_DEVICES) from None

    def enable_unless_done(self, serial: str, codes: Callable[[], tuple[Secret, Secret]]) -> None:
        """See after an answer that was lost whether it is enabled, and if not, do it; raises as `enable`."""
        self._person.wait("no answer whether the device is enabled: looking", _PAUSES_SECONDS[0])
        if serial in [device.serial for device in self.enabled() or ()]:
            return
        try:
            self.enable(serial, codes)
        except errors.AwsRefused as refused:
            if refused.code != ALREADY_THERE:
                raise

    def deactivate(self, serial: str) -> None:
        """Take it from the user, if it is theirs."""
        self._until_gone(lambda: self._iam.deactivate_mfa_device(self._who, self._user_name, serial))

    def delete(self, serial: str) -> None:
        """Delete it, if it is there; raises MfaForbidden."""
        self._until_gone(lambda: self._permitted(lambda: self._iam.delete_mfa_device(self._who, serial)))

    # ---- asking --------------------------------------------------------------------------------------

    @property
    def _who(self) -> Signs:
        if self._signer is None:
            self._signer = self._signers.first()
        return self._signer

    def _until_gone(self, call: Callable[[], None]) -> None:
        try:
            self._patiently(call, (*UNCLEAR, *_NOTHING_SENT))
        except errors.AwsRefused as refused:
            if refused.code != NOT_THERE:
                raise

    def _if_allowed(self, ask: Callable[[], T]) -> T | None:
        try:
            return self._patiently(ask, (*UNCLEAR, *_NOTHING_SENT))
        except errors.AwsRefused as refused:
            if refused.code != DENIED:
                raise
        return None

    def _permitted(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except errors.AwsRefused as refused:
            if refused.code != DENIED:
                raise
            reason = refused.message.partition(f"{DENIED}: ")[2]
        raise errors.MfaForbidden(signer=self._signers.profile, user=self._user_name, reason=reason)

    def _patiently(self, call: Callable[[], T], mendable: tuple[type[Exception], ...]) -> T:
        for seconds in _PAUSES_SECONDS:
            try:
                return call()
            except mendable as failure:
                said = str(failure)
            self._person.wait(f"{said}: trying again", seconds)
        return call()
