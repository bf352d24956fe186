"""Enrolling an MFA device: made in IAM, put onto YubiKeys, proven by a touch on each, enabled, written down.

What can be known is judged before anything is made, and whatever fails before AWS has enabled the device is
undone. From then on it works, and what is missing in the files another run adds. The seed is never anywhere
but in memory and on the keys.
"""

from __future__ import annotations

from shlex import quote

from vaultpy import errors
from vaultpy.iam_records import UNCLEAR
from vaultpy.mfa_in_iam import MOST_DEVICES
from vaultpy.totp import Seed
from vaultpy.undoing import Undoing
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.iam_records import EnabledDevice
    from vaultpy.mfa_in_iam import MfaInIam
    from vaultpy.mfa_on_yubikeys import OnKeys, Person, Steps
    from vaultpy.mfa_target import Destination, Target
    from vaultpy.values import Secret


class Enrolled(Value):
    """What was enrolled, on which keys, and whether a profile names it; no seed if it was there before."""

    __slots__ = ("seed", "target", "where", "written")
    target: Target
    where: tuple[str, ...]
    written: bool
    seed: Seed | None

    def __init__(self, target: Target, where: tuple[str, ...], *, written: bool, seed: Seed | None) -> None:
        self._set(target=target, where=where, written=written, seed=seed)


class MfaEnroller:
    """Enrols one device; raises what its ports raise, and what stands at its methods."""

    def __init__(  # noqa: PLR0913  # its ports
        self,
        target: Target,
        devices: MfaInIam,
        keys: OnKeys,
        *,
        steps: Steps,
        person: Person,
        destination: Destination | None,
        profile: str,
    ) -> None:
        """`destination` is None where no profile of the user's is enrolled; `profile` is named in hints."""
        self._target = target
        self._devices = devices
        self._keys = keys
        self._steps = steps
        self._person = person
        self._destination = destination
        self._profile = profile

    def enroll(self, spares: int = 0) -> Enrolled:
        """Make the device in IAM, put it on one key and so many spares, and enable it.

        One that an interrupted run has enabled is only written down. Raises MfaDeviceExists, MfaDeviceLeft,
        MfaDevicesFull, MfaForbidden, AccountExists, and YubiKeyFailed for a key that makes other codes.
        """
        where = self._keys.choose()
        if self._destination is not None:
            self._destination.takes(self._target)
        if self._is_enabled():
            return Enrolled(self._target, (where,), written=self._keep(self._target), seed=None)
        was_free = self._make_room()
        self._keys.agree()
        self._steps.learn()
        with Undoing(self._person) as undo:
            seed = self._create(undo, was_free=was_free)
            places = self._keys.put(undo, seed, spares)
            self._enable(undo, seed)
            undo.keep()
        return Enrolled(self._target, places, written=self._keep(self._target), seed=seed)

    def enroll_secret(self, show: Callable[[Secret, Secret], None], spares: int = 0) -> Enrolled:
        """Put a device that the console makes onto keys: its secret is typed, and `show` shows two codes.

        Raises BadSeed, NoTerminal, MfaDeviceExists, AccountExists and YubiKeyFailed.
        """
        self._keys.choose()
        before = self._devices.enabled()
        if before is not None and self._target.serial in _serials(before):
            raise self._exists()
        self._keys.agree()
        question = f"secret key that AWS shows for {self._target.name}"
        no_terminal = errors.NoTerminal(question=question, remedy="run this at a terminal")
        seed = Seed(self._person.secret(question, no_terminal).reveal())
        self._steps.learn()
        with Undoing(self._person) as undo:
            places = self._keys.put(undo, seed, spares)
            found = self._taken(seed, show, before)
            undo.keep()
        return Enrolled(found, places, written=self._keep(found), seed=seed)

    # ---- judging -------------------------------------------------------------------------------------

    def _is_enabled(self) -> bool:
        """Tell whether all is done but what stands in files; else choose who signs."""
        enabled = self._devices.enabled()
        if self._is_ours(enabled):
            return True
        if self._devices.sign_with_mfa(enabled) and enabled is None:
            enabled = self._devices.enabled()
            if self._is_ours(enabled):
                return True
        if enabled is not None and len(enabled) >= MOST_DEVICES:
            raise self._devices.full(len(enabled))
        return False

    def _is_ours(self, enabled: tuple[EnabledDevice, ...] | None) -> bool:
        """Tell whether an earlier run of ours has enabled it; raises MfaDeviceExists for any other."""
        if enabled is None or self._target.serial not in _serials(enabled):
            return False
        if not self._keys.held or self._destination is None or self._destination.has(self._target):
            raise self._exists()
        self._person.note(f"{self._target.serial} is enabled already, and its account is on the YubiKey")
        return True

    def _make_room(self) -> bool:
        """Delete a device of that name that is nobody's, if agreed; tell whether the name is surely free."""
        serial = self._target.serial
        unassigned = self._devices.unassigned()
        if unassigned is not None and serial in unassigned:
            left = f"MFA device {serial} is nobody's, as after a run that was interrupted"
            if not self._person.confirm(f"{left}: delete it?"):
                raise errors.MfaDeviceLeft(serial=serial)
            self._devices.delete(serial)
        return unassigned is not None

    def _exists(self) -> errors.MfaDeviceExists:
        return errors.MfaDeviceExists(serial=self._target.serial, profile=self._profile)

    # ---- doing ---------------------------------------------------------------------------------------

    def _create(self, undo: Undoing, *, was_free: bool) -> Seed:
        name, serial = self._target.name, self._target.serial
        what = f"MFA device {serial}"
        remedy = f"aws iam delete-virtual-mfa-device --serial-number {quote(serial)}"
        undo.add(lambda: self._devices.delete(serial), what, remedy)
        try:
            made = self._devices.create(name, serial)
        except UNCLEAR:
            if not was_free:  # it may be somebody else's
                undo.drop()
                self._person.warn(f"{what} may have been made; if nobody needs it: {remedy}")
                raise
            made = self._devices.create_anew(name, serial)
        except errors.VaultpyError:
            undo.drop()
            raise
        self._person.note(f"made {what}")
        return Seed(made.seed.reveal())

    def _enable(self, undo: Undoing, seed: Seed) -> None:
        user, serial = self._target.user_name, self._target.serial
        remedy = f"aws iam deactivate-mfa-device --user-name {quote(user)} --serial-number {quote(serial)}"

        def codes() -> tuple[Secret, Secret]:
            return self._steps.two_codes(serial, seed)

        with self._steps.lock(serial):
            what = f"MFA device {serial} of {user}"
            undo.add(lambda: self._devices.deactivate(serial), what, remedy, else_all_stay=True)
            try:
                self._devices.enable(serial, codes)
            except UNCLEAR:
                self._devices.enable_unless_done(serial, codes)
            except errors.VaultpyError:
                undo.drop()
                raise
        self._person.note(f"enabled it for {user}")

    def _taken(
        self,
        seed: Seed,
        show: Callable[[Secret, Secret], None],
        before: tuple[EnabledDevice, ...] | None,
    ) -> Target:
        """Show two codes, and again two, until the console has taken them; Ctrl-C gives up."""
        while True:
            with self._steps.lock(self._target.serial):
                show(*self._steps.two_codes(self._target.serial, seed))
            if self._person.confirm("has the console taken both codes?"):
                found = self._found(before)
                if found is not None:
                    return found
                self._person.note(f"IAM lists no new device of {self._target.user_name} yet")
            self._person.note("two other codes follow; Ctrl-C gives up, and takes the account off again")
            self._steps.wait_for_next()

    def _found(self, before: tuple[EnabledDevice, ...] | None) -> Target | None:
        """Return the target by the serial that IAM has for it; None where there is no new device."""
        now = self._devices.enabled()
        if before is None or now is None or self._target.serial in _serials(now):
            return self._target
        new = [device.serial for device in now if device.makes_codes and device not in before]
        if len(new) != 1:
            return None
        self._person.note(f"the console has called it {new[0]}")
        return self._target.known_as(new[0])

    def _keep(self, target: Target) -> bool:
        """Write it down, and tell whether the profile names it; it is enabled, whatever happens here."""
        if self._destination is None:
            return False
        try:
            return self._destination.keep(target)
        except errors.VaultpyError:
            name = self._destination.name
            self._person.warn(f"{target.serial} is enabled; run this again to have profile {name} name it")
            raise


def _serials(devices: tuple[EnabledDevice, ...]) -> list[str]:
    return [device.serial for device in devices]
