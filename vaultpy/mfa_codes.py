"""Codes off the YubiKey that vaultpy hands to a person, or to a resync: each is spent before it leaves."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from shlex import quote
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.iam_records import CODES_WRONG, DENIED, NOT_THERE
from vaultpy.mfa import STEP_SECONDS, CodeWanted, NothingMeanwhile, TokenCode, is_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from vaultpy.credentials import Signs
    from vaultpy.ledger import Ledger
    from vaultpy.mfa import MfaDevice
    from vaultpy.plan import Plan
    from vaultpy.values import Secret

    class Person(Protocol):
        """Whoever touches the key."""

        def note(self, text: str) -> None:
            """Say what goes on."""

        def wait(self, text: str, seconds: float) -> None:
            """Say what is waited for, and wait."""

    class Iam(Protocol):
        """IAM's call that a resync is."""

        def resync_mfa_device(  # noqa: D102
            self, signer: Signs, user_name: str, serial: str, codes: tuple[Secret, Secret]
        ) -> None: ...


_CLOCK_NOISE_SECONDS = 2
_COUNTS_SOON = "AWS takes each code once: this one counts in a moment"
_TWO_WANTED = "AWS wants two codes in a row"
_TOO_LATE = "the last two codes came too late"
_PLUG_IN = "plug in the one that has the account, then run this again"


class Codes:
    """The codes of a user's MFA device, one holder of its lock at a time."""

    def __init__(self, ledger: Ledger, device: MfaDevice, person: Person) -> None:
        """`device` computes codes for any step: a YubiKey, and nobody who types."""
        self._ledger = ledger
        self._device = device
        self._person = person

    def one(self, wanted: CodeWanted) -> TokenCode:
        """Return a code that AWS has not seen, once its step has begun; it counts as spent.

        Raises what the device raises.
        """
        with self._locks(wanted):
            code, step = self._code(wanted, self._ledger.next_step)
            self._ledger.spend(code.mfa_serial, step)
        self._await(step)
        return code

    def pair(self, wanted: CodeWanted) -> tuple[TokenCode, TokenCode]:
        """Return the codes of two steps in a row, neither of which AWS has seen; both count as spent.

        They are those of the previous and the current step, unless these are spent: then it waits until the
        second has begun. Two that come too late, after long waits for touches, are asked for once more.
        """
        with self._locks(wanted):
            first, second, step = self._two(wanted)
            if self._now() > step + 1:
                first, second, step = self._two(wanted.because(_TOO_LATE))
            self._ledger.spend(first.mfa_serial, step)
        self._await(step)
        return first, second

    def _two(self, wanted: CodeWanted) -> tuple[TokenCode, TokenCode, int]:
        """Return two codes in a row, and the step of the second."""
        first, step = self._code(wanted, self._first_of_two)
        same = CodeWanted(
            (first.mfa_serial,),
            wanted.user_name,
            account=wanted.account,
            purpose=wanted.purpose,
            reason=_TWO_WANTED,
        )
        second, last = self._code(same, lambda _: step + 1)
        return first, second, last

    def _code(self, wanted: CodeWanted, step_for: Callable[[str], int]) -> tuple[TokenCode, int]:
        try:
            code = self._device.token_code(wanted, step_for, NothingMeanwhile())
        except errors.NoYubiKey:
            raise errors.NoYubiKeyForCode(remedy=_PLUG_IN) from None
        if code.step is None:
            raise AssertionError("nobody types where a YubiKey is asked")
        return code, code.step

    def _first_of_two(self, serial: str) -> int:
        spent = self._ledger.spent(serial)
        previous = self._now() - 1
        return previous if spent is None else max(previous, spent + 1)

    def _now(self) -> int:
        return int(self._ledger.time() // STEP_SECONDS)

    def _await(self, step: int) -> None:
        early = step * STEP_SECONDS - self._ledger.time()
        if early > 0:
            self._person.wait(_COUNTS_SOON, early)

    @contextmanager
    def _locks(self, wanted: CodeWanted) -> Iterator[None]:
        """Hold the locks of all devices that may be asked, in the order that `Broker` has."""
        with ExitStack() as locks:
            for serial in sorted(set(wanted.mfa_serials)):
                locks.enter_context(self._ledger.lock("mfa", serial, waiting=self._say_waiting))
            yield

    def _say_waiting(self, pid: int) -> None:
        self._person.note(f"waiting for process {pid}, which is getting a code of the same MFA device")


def makes_codes(serial: str) -> bool:
    """Tell whether a YubiKey's OATH account can stand for this device: no hardware token, no FIDO entry."""
    return is_virtual(serial) and ":u2f/" not in serial


def code_wanted(plan: Plan, why: str, mfa_serial: str | None = None) -> CodeWanted:
    """Return the wish for a code of `mfa_serial`, else of the devices that `exec` would ask.

    `why` is what the touch is for. Raises NoMfaDevice where a YubiKey can stand for none of them.
    """
    meant = (mfa_serial,) if mfa_serial else plan.requests[0].mfa_serials if plan.requests else ()
    serials = tuple(filter(makes_codes, meant))
    if not serials:
        raise errors.NoMfaDevice(profile=plan.profile.name)
    purpose = f"{why} {plan.signer.user} for {plan.profile.name}"
    return CodeWanted(serials, plan.signer.user_name, account=plan.profile.vaultpy_account, purpose=purpose)


def learn_clock(ledger: Ledger, offset: float) -> None:
    """Remember that AWS's clock is `offset` seconds ahead, if that is news."""
    if abs(offset - ledger.time.offset()) > _CLOCK_NOISE_SECONDS:
        ledger.time.set_offset(offset)


def resync(  # noqa: PLR0913  # the parts of it
    iam: Iam, signer: Signs, codes: Codes, wanted: CodeWanted, *, profile: str, user_name: str
) -> str:
    """Let AWS set itself by two codes in a row; return the MFA device's serial.

    An access key signs: a device that is out of step makes no MFA session. Raises DeviceForbidden,
    ResyncRefused, NotTheirDevice, and what IAM and the device raise.
    """
    first, second = codes.pair(wanted)
    facts = {"mfa_serial": first.mfa_serial, "user": user_name, "profile": profile}
    try:
        iam.resync_mfa_device(signer, user_name, first.mfa_serial, (first.digits, second.digits))
    except errors.AwsRefused as refusal:
        if refusal.code == CODES_WRONG:
            raise errors.ResyncRefused(**facts) from None
        if refusal.code == NOT_THERE:
            raise errors.NotTheirDevice(**facts) from None
        if refusal.code != DENIED:
            raise
        how = f"vaultpy mfa code {quote(profile)}"
        remedy = f"have an administrator resync it in IAM, with the codes of: {how}"
        raise errors.DeviceForbidden(action="resync", remedy=remedy, **facts) from None
    return first.mfa_serial
