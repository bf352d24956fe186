"""Credentials for a plan: from the sessions at hand, else from the keystore, the MFA device and STS.

The order is the promise: look without a lock; look again under the lock; only then open the keystore; only
with the access key in hand ask for a touch; write the ledger before the code is sent.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.calling import Caller
from vaultpy.plan import HOUR
from vaultpy.sessions import MARGIN_SECONDS
from vaultpy.sts_requests import AssumeRole, GetSessionToken
from vaultpy.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from vaultpy.calling import Person, Sts
    from vaultpy.credentials import AccessKey, Credentials
    from vaultpy.ledger import Ledger
    from vaultpy.mfa import MfaDevice
    from vaultpy.plan import Plan
    from vaultpy.sessions import SessionStore
    from vaultpy.sts_requests import Request


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
        self._caller = Caller(sts, ledger, mfa_device, person=person, clock=clock)
        self._person = person
        self._confirm_endpoint = confirm_endpoint
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
        if isinstance(request, AssumeRole) and request.mfa_serials:
            with self._mfa_lock(plan, request):
                return self._caller.call(plan, request, signer)
        return self._caller.call(plan, request, signer)
