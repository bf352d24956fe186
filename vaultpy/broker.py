"""Credentials for a plan: from the sessions at hand, else from the keystore, the MFA device and STS.

The order is the promise: look without a lock; look again under the lock; only then open the keystore; only
with the access key in hand ask for a touch; write the ledger before the code is sent.
"""

from __future__ import annotations

import math
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from vaultpy import errors
from vaultpy.mfa import STEP_SECONDS, CodeWanted, NoMoreCodesError
from vaultpy.plan import HOUR
from vaultpy.sessions import MARGIN_SECONDS
from vaultpy.sts_requests import AssumeRole, GetSessionToken
from vaultpy.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import Protocol

    from vaultpy.credentials import AccessKey, Credentials
    from vaultpy.ledger import Ledger
    from vaultpy.mfa import Meanwhile, MfaDevice, TokenCode
    from vaultpy.plan import Plan
    from vaultpy.sessions import SessionStore
    from vaultpy.sts_requests import Request

    class Sts(Meanwhile, Protocol):
        """STS."""

        def clock_offset(self) -> float:
            """Return by how many seconds AWS's clock is ahead."""

        def credentials(
            self,
            request: Request,
            signer: AccessKey | Credentials,
            code: TokenCode | None,
            facts: dict[str, object],
        ) -> Credentials:
            """Send the request, once."""

    class Person(Protocol):
        """Whoever waits for the credentials."""

        def note(self, text: str) -> None:
            """Say what goes on."""

        def wait(self, text: str, seconds: float) -> None:
            """Say what is waited for, and wait."""


T = TypeVar("T")

_CLOCK_NOISE_SECONDS = 2
_DATE_SECONDS = 1  # how finely a Date header tells the time
_PAUSES_SECONDS = (1, 3)
_NOTHING_SENT = (errors.Unreachable, errors.TlsFailed)
_MENDABLE = (*_NOTHING_SENT, errors.NoAnswer, errors.AwsBusy)


class Broker:
    """Gets the credentials that a plan leads to."""

    def __init__(  # noqa: PLR0913  # its ports
        self,
        *,
        sessions: SessionStore | None,
        ledger: Ledger,
        access_key: Callable[[Plan], AccessKey],
        mfa_device: Callable[[Plan], MfaDevice],
        sts: Sts,
        person: Person,
        confirm_endpoint: Callable[[str | None], None],
        clock: Callable[[], float],
    ) -> None:
        """`sessions` is None where nothing is to be read from or written to a cache."""
        self._sessions = sessions
        self._ledger = ledger
        self._access_key = access_key
        self._mfa_device = mfa_device
        self._sts = sts
        self._person = person
        self._confirm_endpoint = confirm_endpoint
        self._clock = clock
        self._made_here: list[Credentials] = []

    def credentials(self, plan: Plan) -> Credentials:
        """Return credentials for the whole plan; raises what stands in their way."""
        made = len(plan.requests)
        cached = self._cached(plan, made)
        if cached is not None:
            return cached
        self._confirm_endpoint(plan.endpoint_url)
        return self._under_lock(plan, made)

    def _under_lock(self, plan: Plan, made: int) -> Credentials:
        """Return the credentials that the first `made` requests of the plan lead to."""
        with self._lock(plan, made):
            cached = self._cached(plan, made)
            if cached is not None:
                return cached
            credentials = self._get(plan, made)
            self._made_here.append(credentials)
            self._keep(plan, made, credentials)
        return credentials

    def _get(self, plan: Plan, made: int) -> Credentials:
        """Ask for it; once more, all anew, if AWS no longer takes the session at hand that was to sign."""
        request = plan.requests[made - 1]
        signer = self._signer(plan, made)
        try:
            return self._ask(plan, request, signer)
        except errors.SessionRefused:
            if self._sessions is None or signer in self._made_here:
                raise
        self._person.note("AWS no longer takes the session at hand: getting a new one")
        with suppress(errors.SessionsLeft):  # a session that stays is refused once more, and that is said
            self._sessions.forget(access_key_id=plan.enrolment.access_key_id)
        return self._ask(plan, request, self._signer(plan, made))

    def _signer(self, plan: Plan, made: int) -> AccessKey | Credentials:
        """Return who signs the plan's request number `made`.

        A role whose user has no MFA device that we know of rides on an MFA session, if one is alive.
        """
        if made > 1:
            cached = self._cached(plan, made - 1)
            return self._under_lock(plan, made - 1) if cached is None else cached
        request = plan.requests[0]
        rides = isinstance(request, AssumeRole) and not request.mfa_serials and request.duration <= HOUR
        if rides and self._sessions is not None:
            session = self._sessions.get(plan.mfa_session_question(), MARGIN_SECONDS)
            if session is not None:
                return session
        return self._access_key(plan)

    def _cached(self, plan: Plan, made: int) -> Credentials | None:
        """Return the session at hand; an MFA session that only signs may be one made for less time."""
        if self._sessions is None:
            return None
        request = plan.requests[made - 1]
        only_signs = made < len(plan.requests) and isinstance(request, GetSessionToken)
        duration = 0 if only_signs else request.duration
        found = self._sessions.get(plan.question(made), MARGIN_SECONDS, duration)
        trace(f"session {request.label}: {'found' if found else 'none at hand'}")
        return found

    def _keep(self, plan: Plan, made: int, credentials: Credentials) -> None:
        if self._sessions is not None:
            self._sessions.put(
                plan.question(made),
                credentials,
                access_key_id=plan.enrolment.access_key_id,
                label=plan.requests[made - 1].label,
                profile=plan.profile.name,
                duration=plan.requests[made - 1].duration,
            )

    def _lock(self, plan: Plan, made: int) -> AbstractContextManager[None]:
        """One run at a time gets an MFA session of a user, or a role's session."""
        request = plan.requests[made - 1]
        if isinstance(request, GetSessionToken):
            return self._mfa_lock(plan, request)
        return self._ledger.lock("role", plan.question(made), waiting=self._say_waiting)

    @contextmanager
    def _mfa_lock(self, plan: Plan, request: Request) -> Iterator[None]:
        """Hold the locks of all devices that may be asked, in one order for every run."""
        with ExitStack() as locks:
            for name in sorted(set(request.mfa_serials)) or [plan.enrolment.access_key_id]:
                locks.enter_context(self._ledger.lock("mfa", name, waiting=self._say_waiting))
            yield

    def _say_waiting(self, pid: int) -> None:
        self._person.note(f"waiting for process {pid}, which is getting the same credentials")

    def _ask(self, plan: Plan, request: Request, signer: AccessKey | Credentials) -> Credentials:
        if not request.mfa_serials:
            return self._patiently(
                lambda: self._sts.credentials(request, signer, None, _facts(plan)), _MENDABLE, math.inf
            )
        if isinstance(request, GetSessionToken):
            return self._ask_with_code(plan, request, signer)
        with self._mfa_lock(plan, request):
            return self._ask_with_code(plan, request, signer)

    def _ask_with_code(self, plan: Plan, request: Request, signer: AccessKey | Credentials) -> Credentials:
        """Ask with a code; once more with the next one if the first was refused or its fate is unknown."""
        wanted = CodeWanted(
            request.mfa_serials,
            plan.enrolment.user_name,
            account=plan.profile.vaultpy_account,
            purpose=_purpose(plan),
        )
        try:
            return self._send_code(plan, request, signer, wanted)
        except (errors.CodeRefused, errors.NoAnswer, errors.AwsBusy) as failure:
            first = failure
        refused = isinstance(first, errors.CodeRefused)
        reason = "AWS refused the last code" if refused else f"the last code got no answer ({first.message})"
        try:
            return self._send_code(plan, request, signer, wanted.because(reason))
        except NoMoreCodesError:
            pass  # there was only the one that was given
        raise first

    def _send_code(
        self, plan: Plan, request: Request, signer: AccessKey | Credentials, wanted: CodeWanted
    ) -> Credentials:
        device = self._mfa_device(plan)
        code = device.token_code(wanted, self._ledger.next_step, self._sts)
        self._patiently(self._learn_aws_clock, _NOTHING_SENT, self._end_of(code))
        if self._is_out_of_time(code):
            wanted = wanted.because("this computer's clock is off, which is corrected now")
            code = device.token_code(wanted, self._ledger.next_step, self._sts)
        self._spend(code)
        try:
            return self._patiently(
                lambda: self._sts.credentials(request, signer, code, _facts(plan)),
                _NOTHING_SENT,
                self._end_of(code),
            )
        except errors.CodeRefused:
            if code.step is not None:
                raise
        raise errors.TypedCodeRefused(mfa_serial=code.mfa_serial)

    def _learn_aws_clock(self) -> None:
        offset = self._sts.clock_offset()
        if abs(offset - self._ledger.offset()) > _CLOCK_NOISE_SECONDS:
            self._ledger.set_offset(offset)

    def _aws_step(self) -> int:
        return int((self._clock() + self._ledger.offset()) // STEP_SECONDS)

    def _end_of(self, code: TokenCode) -> float:
        """Return when the code's step ends, by this computer's clock; a typed one is of the present."""
        step = self._aws_step() if code.step is None else code.step
        return (step + 1) * STEP_SECONDS - self._ledger.offset()

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
    return f"{role or 'an MFA session of ' + plan.enrolment.user_arn} for {plan.profile.name}"


def _facts(plan: Plan) -> dict[str, object]:
    return {"profile": plan.enrolment.name, "user": plan.enrolment.user_arn}
