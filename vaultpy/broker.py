"""Credentials for a plan: from the sessions at hand, else from the keystore, the MFA device and STS.

The order is the promise: look without a lock; look again under the lock; only then open the keystore; only
with the access key in hand ask for a touch; write the ledger before the code is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.mfa import STEP_SECONDS, CodeWanted
from vaultpy.plan import AssumeRole, GetSessionToken
from vaultpy.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.credentials import AccessKey, Credentials
    from vaultpy.ledger import Ledger, Lock
    from vaultpy.mfa import Meanwhile, MfaDevice, TokenCode
    from vaultpy.plan import Plan, Request
    from vaultpy.sessions import SessionStore

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


MARGIN_SECONDS = 300
_CLOCK_NOISE_SECONDS = 2


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

    def credentials(self, plan: Plan) -> Credentials:
        """Return credentials for the whole plan; raises what stands in their way."""
        cached = self._cached(plan, len(plan.requests))
        if cached is not None:
            return cached
        self._confirm_endpoint(plan.endpoint_url)
        return self._after(plan, len(plan.requests))

    def _after(self, plan: Plan, made: int) -> Credentials:
        """Return the credentials that the first `made` requests of the plan lead to."""
        cached = self._cached(plan, made)
        if cached is not None:
            return cached
        request = plan.requests[made - 1]
        with self._lock(plan, made):
            cached = self._cached(plan, made)
            if cached is not None:
                return cached
            signer = self._after(plan, made - 1) if made > 1 else self._access_key(plan)
            credentials = self._ask(plan, request, signer)
            self._keep(plan, made, credentials)
        return credentials

    def _cached(self, plan: Plan, made: int) -> Credentials | None:
        if self._sessions is None:
            return None
        request = plan.requests[made - 1]
        found = self._sessions.get(plan.question(made), MARGIN_SECONDS, request.duration)
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

    def _lock(self, plan: Plan, made: int) -> Lock:
        """One run at a time gets an MFA session of a user, or a role's session."""
        request = plan.requests[made - 1]
        if isinstance(request, GetSessionToken):
            return self._mfa_lock(plan, request)
        return self._ledger.lock("role", plan.question(made), waiting=self._say_waiting)

    def _mfa_lock(self, plan: Plan, request: Request) -> Lock:
        name = request.mfa_serials[0] if request.mfa_serials else plan.enrolment.access_key_id
        return self._ledger.lock("mfa", name, waiting=self._say_waiting)

    def _say_waiting(self, pid: int) -> None:
        self._person.note(f"waiting for process {pid}, which is getting the same credentials")

    def _ask(self, plan: Plan, request: Request, signer: AccessKey | Credentials) -> Credentials:
        if not request.mfa_serials:
            return self._sts.credentials(request, signer, None, _facts(plan))
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
        except errors.CodeRefused:
            reason = "AWS refused the last code"
        except (errors.NoAnswer, errors.AwsBusy) as failure:
            reason = f"the last code got no answer ({failure.message})"
        return self._send_code(plan, request, signer, wanted.because(reason))

    def _send_code(
        self, plan: Plan, request: Request, signer: AccessKey | Credentials, wanted: CodeWanted
    ) -> Credentials:
        code = self._mfa_device(plan).token_code(wanted, self._ledger.next_step, self._sts)
        self._learn_aws_clock()
        if code.step is not None and code.step < self._aws_step() - 1:
            wanted = wanted.because("the code was of a time that AWS no longer takes")
            code = self._mfa_device(plan).token_code(wanted, self._ledger.next_step, self._sts)
        self._spend(code)
        return self._send(request, signer, code, _facts(plan))

    def _learn_aws_clock(self) -> None:
        offset = self._sts.clock_offset()
        if abs(offset - self._ledger.offset()) > _CLOCK_NOISE_SECONDS:
            self._ledger.set_offset(offset)

    def _aws_step(self) -> int:
        return int((self._clock() + self._ledger.offset()) // STEP_SECONDS)

    def _spend(self, code: TokenCode) -> None:
        """Write the code down as spent, before it is sent; wait for its step to begin."""
        if code.step is None:
            self._ledger.spend(code.mfa_serial, self._aws_step())
            return
        self._ledger.spend(code.mfa_serial, code.step)
        early = code.step * STEP_SECONDS - (self._clock() + self._ledger.offset())
        if early > 0:
            self._person.wait("AWS takes each code once: this one counts in a moment", early)

    def _send(
        self, request: Request, signer: AccessKey | Credentials, code: TokenCode, facts: dict[str, object]
    ) -> Credentials:
        """Send it; where nothing left this computer, the same code once more."""
        try:
            return self._sts.credentials(request, signer, code, facts)
        except errors.Unreachable:
            return self._sts.credentials(request, signer, code, facts)
        except errors.CodeRefused:
            if code.step is None:
                raise errors.TypedCodeRefused(mfa_serial=code.mfa_serial) from None
            raise


def _purpose(plan: Plan) -> str:
    """Say what the touch is for: the role's ARN first, the profile's name, which anyone can choose, last."""
    role = next((r.role_arn for r in reversed(plan.requests) if isinstance(r, AssumeRole)), None)
    return f"{role or 'an MFA session of ' + plan.enrolment.user_arn} for {plan.profile.name}"


def _facts(plan: Plan) -> dict[str, object]:
    return {"profile": plan.enrolment.name, "user": plan.enrolment.user_arn}
