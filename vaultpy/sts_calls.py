"""One STS call of a plan: with a code where it wants one, written down before it is sent, and sent once.

The same code goes out again only where surely nothing left this computer. A code that was refused, or whose
fate is unknown, counts as spent: the next one is asked for, once, with the reason.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from vaultpy import errors
from vaultpy.credentials import DayKey
from vaultpy.mfa import STEP_SECONDS, CodeWanted, NoMoreCodesError
from vaultpy.sts_requests import AssumeRole
from vaultpy.text import clock_text
from vaultpy.typed_codes import GivenCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.credentials import Credentials, Signs
    from vaultpy.ledger import Ledger
    from vaultpy.mfa import Meanwhile, MfaDevice, TokenCode
    from vaultpy.plan import Plan
    from vaultpy.sts_requests import Request

    class Sts(Meanwhile, Protocol):
        """STS."""

        def clock_offset(self) -> float:
            """Return by how many seconds AWS's clock is ahead."""

        def credentials(
            self,
            request: Request,
            signer: Signs,
            code: TokenCode | None,
            facts: dict[str, object],
        ) -> Credentials:
            """Send the request, once."""

    class Person(Protocol):
        """Whoever waits for the credentials."""

        def note(self, text: str) -> None:
            """Say what goes on."""

        def warn(self, text: str) -> None:
            """Say what should be known although it works."""

        def wait(self, text: str, seconds: float) -> None:
            """Say what is waited for, and wait."""


T = TypeVar("T")

_CLOCK_NOISE_SECONDS = 2
_DATE_SECONDS = 1  # how finely a Date header tells the time
_WORTH_TELLING_SECONDS = 30
_OTHERS_ALLOW_SECONDS = 300
_PAUSES_SECONDS = (1, 3)
_NOTHING_SENT = (errors.Unreachable, errors.TlsFailed)
_MENDABLE = (*_NOTHING_SENT, errors.NoAnswer, errors.AwsBusy)


class StsCalls:
    """Makes the calls of one run."""

    def __init__(
        self,
        sts: Sts,
        ledger: Ledger,
        mfa_device: Callable[[Plan], MfaDevice],
        *,
        person: Person,
        clock: Callable[[], float],
    ) -> None:
        """`clock` tells the epoch in seconds, as this computer has it."""
        self._sts = sts
        self._ledger = ledger
        self._mfa_device = mfa_device
        self._person = person
        self._clock = clock
        self._told = False
        self._typed_for = ""  # the MFA serial of the last code, if somebody typed it

    def call(self, plan: Plan, request: Request, signer: Signs, reason: str = "") -> Credentials:
        """Make the call; to be made under the lock of the MFA devices that may be asked.

        `reason` says why a touch is asked for again.
        """
        if request.mfa_serials:
            return self._call_with_code(plan, request, signer, reason)
        credentials = self._patiently(
            lambda: self._sts.credentials(request, signer, None, plan.signer.facts()), _MENDABLE, math.inf
        )
        self._learn_aws_clock()  # which the connection has told: the clock may have been set since
        return credentials

    def _call_with_code(self, plan: Plan, request: Request, signer: Signs, reason: str) -> Credentials:
        """Call with a code; once more with the next one if the first was refused or its fate is unknown."""
        wanted = CodeWanted(
            request.mfa_serials,
            plan.signer.user_name,
            account=plan.profile.vaultpy_account,
            purpose=_purpose(plan),
            reason=reason,
            touch=" (2 of 2)" if isinstance(signer, DayKey) and signer.before_code else "",
        )
        if isinstance(signer, DayKey):  # somebody was waited for already, and AWS was asked for the time
            self._patiently(self._learn_aws_clock, _NOTHING_SENT, math.inf)
        try:
            return self._send_code(plan, request, signer, wanted)
        except (errors.CodeRefused, errors.NoAnswer, errors.AwsBusy) as failure:
            first = failure
        refused = isinstance(first, errors.CodeRefused)
        if self._typed_for:
            self._await_unspent(self._typed_for)
        reason = "AWS refused the last code" if refused else f"the last code got no answer ({first.message})"
        try:
            return self._send_code(plan, request, signer, wanted.because(reason))
        except NoMoreCodesError:
            pass  # there was only the one that was given
        raise first

    def _send_code(self, plan: Plan, request: Request, signer: Signs, wanted: CodeWanted) -> Credentials:
        device = self._mfa_device(plan)
        code = self._unspent_code(device, wanted)
        self._patiently(self._learn_aws_clock, _NOTHING_SENT, self._end_of(code))
        if self._is_out_of_time(code):
            wanted = wanted.because("this computer's clock is off, which is corrected now")
            code = device.token_code(wanted, self._ledger.next_step, self._sts)
        self._spend(code)
        try:
            return self._patiently(
                lambda: self._sts.credentials(request, signer, code, plan.signer.facts()),
                _NOTHING_SENT,
                self._end_of(code),
            )
        except errors.CodeRefused:
            if code.step is not None:
                raise
        raise errors.TypedCodeRefused(mfa_serial=code.mfa_serial)

    def _unspent_code(self, device: MfaDevice, wanted: CodeWanted) -> TokenCode:
        """Return a code; one that was typed while the step that it is of is spent is asked for anew.

        A device that knows the step gives that of an unspent one itself. Raises CodeSpent for a code that was
        given with the command.
        """
        code = device.token_code(wanted, self._ledger.next_step, self._sts)
        while code.step is None and self._ledger.next_step(code.mfa_serial) > self._aws_step():
            if isinstance(device, GivenCode):
                raise errors.CodeSpent(mfa_serial=code.mfa_serial)
            self._await_unspent(code.mfa_serial)
            wanted = wanted.because("the one before is spent")
            code = device.token_code(wanted, self._ledger.next_step, self._sts)
        self._typed_for = code.mfa_serial if code.step is None else ""
        return code

    def _await_unspent(self, mfa_serial: str) -> None:
        """Wait until a code that somebody types then can be of a step that is not spent."""
        begins = self._ledger.next_step(mfa_serial) * STEP_SECONDS
        if (seconds := begins - self._ledger.time()) > 0:
            self._person.wait("AWS takes each code once, and this one is spent: type the next", seconds)

    def _learn_aws_clock(self) -> None:
        """Remember by how much AWS's clock is ahead; tell it if it is much and new, or much for others."""
        offset, known = self._sts.clock_offset(), self._ledger.time.offset()
        if abs(offset - known) > _CLOCK_NOISE_SECONDS:
            self._ledger.time.set_offset(offset)
        if self._told or abs(offset) < _WORTH_TELLING_SECONDS:
            return
        self._told = True
        off = f"this computer's clock is {clock_text(offset)} AWS's"
        if abs(offset) > _OTHERS_ALLOW_SECONDS:
            self._person.warn(f"{off}: other services than STS may refuse the command; set the clock")
        elif abs(offset - known) > _WORTH_TELLING_SECONDS:
            self._person.note(f"{off}, which is allowed for")

    def _aws_step(self) -> int:
        return int(self._ledger.time() // STEP_SECONDS)

    def _end_of(self, code: TokenCode) -> float:
        """Return when the code's step ends, by this computer's clock; a typed one is of the present."""
        step = self._aws_step() if code.step is None else code.step
        return (step + 1) * STEP_SECONDS - self._ledger.time.offset()

    def _is_out_of_time(self, code: TokenCode) -> bool:
        """Tell whether AWS takes the code no more, or only after more than a step's wait."""
        if code.step is None:
            return False
        now = self._aws_step()
        return not now - 1 <= code.step <= max(now + 1, self._ledger.next_step(code.mfa_serial))

    def _spend(self, code: TokenCode) -> None:
        """Write the code down as spent, before it is sent; wait for its step to begin."""
        self._ledger.spend(code.mfa_serial, self._aws_step() if code.step is None else code.step)
        if code.step is None:
            return
        early = code.step * STEP_SECONDS - (self._clock() + self._sts.clock_offset())
        if early > _DATE_SECONDS:
            self._person.wait("AWS takes each code once: this one counts in a moment", early)

    def _patiently(self, call: Callable[[], T], mendable: tuple[type[Exception], ...], until: float) -> T:
        """Call; after a failure that time may mend once more, twice at most and until the time `until`."""
        for pause in _PAUSES_SECONDS:
            try:
                return call()
            except mendable as failure:
                if self._clock() + pause >= until:
                    raise
                said = str(failure)
            self._person.wait(f"{said}: trying again", pause)
        return call()


def _purpose(plan: Plan) -> str:
    """Say what the touch is for: the role's ARN first, the profile's name, which anyone can choose, last."""
    role = next((r.role_arn for r in reversed(plan.requests) if isinstance(r, AssumeRole)), None)
    return f"{role or 'an MFA session of ' + plan.signer.user} for {plan.profile.name}"
