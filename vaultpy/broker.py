"""Credentials for a plan: from the sessions at hand, else from the keystore, the MFA device and STS.

The order is the promise: look without a lock; look again under the lock; only then open the keystore; only
with the access key in hand ask for a touch; write the ledger before the code is sent.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.credentials import Credentials
from vaultpy.durations import HOUR
from vaultpy.sessions import MARGIN_SECONDS
from vaultpy.sts_calls import StsCalls
from vaultpy.sts_requests import AssumeRole, GetSessionToken
from vaultpy.text import show_duration
from vaultpy.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from vaultpy.credentials import Signs
    from vaultpy.index import Index
    from vaultpy.ledger import Ledger
    from vaultpy.mfa import MfaDevice
    from vaultpy.plan import Plan
    from vaultpy.sessions import SessionStore
    from vaultpy.sts_calls import Person, Sts
    from vaultpy.sts_requests import Request

_FIRST_ROLE = 2  # in a plan that begins with a GetSessionToken
# How it shows that a plan's access key has been replaced since.
_REPLACED = (errors.AccessKeyRefused, errors.AccessKeyElsewhere, errors.KeyLost, errors.SessionRefused)
_FRESH_SECONDS = 300
_MAY_WANT_TOUCH = "this role may want a fresh touch"
_CAPPED = "AWS limits a role that another session assumes to 1h; --direct lifts that from a user's only role"


class Broker:
    """Gets the credentials that a plan leads to."""

    def __init__(  # noqa: PLR0913  # its ports
        self,
        *,
        sessions: SessionStore | None,
        ledger: Ledger,
        index: Index,
        access_key: Callable[[Plan], Signs],
        mfa_device: Callable[[Plan], MfaDevice],
        sts: Sts,
        person: Person,
        confirm_endpoint: Callable[[Plan], None],
        clock: Callable[[], float],
        margin: float = MARGIN_SECONDS,
        fresh_touch: Callable[[], bool] = lambda: False,
    ) -> None:
        """`sessions` is None where nothing is to be read from or written to a cache.

        `margin` is how many seconds the credentials must last, `fresh_touch` tells whether there is somebody
        to touch the key for a role that refuses an MFA session as too old.
        """
        self._sessions = sessions
        self._ledger = ledger
        self._index = index
        self._access_key = access_key
        self._calls = StsCalls(sts, ledger, mfa_device, person=person, clock=clock)
        self._person = person
        self._confirm_endpoint = confirm_endpoint
        self._margin = margin
        self._fresh_touch = fresh_touch
        self._made_here: list[Credentials] = []

    def credentials(self, plan: Plan) -> Credentials:
        """Return credentials for the whole plan; raises what stands in their way.

        That is KeyChanged where the plan's access key has been replaced since the plan was made.
        """
        try:
            return self._credentials(plan)
        except _REPLACED:
            now = self._index.enrolment(plan.signer.name)
            if plan.signer.enrolment is None or now is None or now.access_key_id == plan.signer.key:
                raise
            facts = {"old_id": plan.signer.key, "new_id": now.access_key_id}
            raise errors.KeyChanged(profile=now.name, **facts) from None

    def _credentials(self, plan: Plan) -> Credentials:
        made = len(plan.requests)
        if not made:
            return self._temporary(plan)
        cached = self._cached(plan, made)
        if cached is not None:
            return cached
        self._confirm_endpoint(plan)
        return self._under_lock(plan, made)

    def _under_lock(self, plan: Plan, made: int) -> Credentials:
        """Return the credentials that the first `made` requests of the plan lead to."""
        with self._lock(plan, made):
            cached = self._cached(plan, made)
            if cached is not None:
                return cached
            if plan.capped and made == len(plan.requests):
                self._person.note(_CAPPED)
            credentials = self._get(plan, made)
            self._made_here.append(credentials)
            self._keep(plan, made, credentials)
        return credentials

    def _get(self, plan: Plan, made: int) -> Credentials:
        """Ask for it; once more if AWS no longer takes the session at hand that was to sign."""
        request = plan.requests[made - 1]
        signer = self._signer(plan, made)
        try:
            return self._ask(plan, request, signer)
        except errors.SessionRefused:
            if self._sessions is None or signer in self._made_here:
                raise
        except errors.RoleDenied:
            if not isinstance(request, AssumeRole) or not self._may_want_fresh_touch(plan, made, signer):
                raise
            return self._directly(plan, request)
        self._person.note("AWS no longer takes the session at hand: getting a new one")
        self._forget_signer(self._sessions, plan, made)
        return self._ask(plan, request, self._signer(plan, made))

    @staticmethod
    def _forget_signer(sessions: SessionStore, plan: Plan, made: int) -> None:
        """Forget a role's session alone; with an MFA session all of the key, as they come from it."""
        with suppress(errors.SessionsLeft):  # a session that stays is refused once more, and that is said
            if made > 1 and isinstance(plan.requests[made - 2], AssumeRole):
                sessions.forget_answer(plan.question(made - 1))
            else:
                sessions.forget(access_key_id=plan.signer.key)

    def _may_want_fresh_touch(self, plan: Plan, made: int, signer: Signs) -> bool:
        """Tell whether a role may have refused because of the age of the MFA session that signed.

        AWS's refusal never says so. A session of this run, or of the last minutes, is not too old for anyone.
        """
        if self._sessions is None or signer in self._made_here or not self._fresh_touch():
            return False
        by_mfa_session = made == _FIRST_ROLE and isinstance(plan.requests[0], GetSessionToken)
        age = self._sessions.age(plan.question(1)) if by_mfa_session else None
        return age is not None and age > _FRESH_SECONDS

    def _directly(self, plan: Plan, request: AssumeRole) -> Credentials:
        """Put a new code on the role itself, once."""
        fresh = request.with_code(plan.requests[0].mfa_serials)
        credentials = self._ask(plan, fresh, self._access_key(plan), _MAY_WANT_TOUCH)
        self._person.note(f"that worked; to be asked at once: vaultpy_mfa = direct in {plan.profile.name}")
        return credentials

    def _temporary(self, plan: Plan) -> Credentials:
        """Hand out what a source gives, as it is; raises SourceUnfit and SourceEndsSoon."""
        credentials = self._access_key(plan)
        if not isinstance(credentials, Credentials):
            raise errors.SourceUnfit(profile=plan.profile.name)
        left = credentials.expiration - self._ledger.time()
        if left < plan.min_ttl:
            wanted = show_duration(plan.min_ttl)
            raise errors.SourceEndsSoon(profile=plan.profile.name, left=show_duration(left), wanted=wanted)
        return credentials

    def _signer(self, plan: Plan, made: int) -> Signs:
        """Return who signs the plan's request number `made`.

        A role whose user has no MFA device that we know of rides on an MFA session, if one is alive.
        """
        if made > 1:
            cached = self._cached(plan, made - 1)
            return self._under_lock(plan, made - 1) if cached is None else cached
        request = plan.requests[0]
        rides = isinstance(request, AssumeRole) and not request.mfa_serials and request.duration <= HOUR
        if rides and self._sessions is not None and not plan.signer.is_temporary:
            session = self._sessions.get(plan.mfa_session_question(), MARGIN_SECONDS)
            if session is not None:
                return session
        return self._access_key(plan)

    def _cached(self, plan: Plan, made: int) -> Credentials | None:
        """Return the session at hand; an MFA session that only signs may be one made for less time."""
        if self._sessions is None:
            return None
        request = plan.requests[made - 1]
        signs = made < len(plan.requests)
        found = self._sessions.get(
            plan.question(made),
            MARGIN_SECONDS if signs else self._margin,
            0 if signs and isinstance(request, GetSessionToken) else request.duration,
            0 if signs else plan.min_ttl,
        )
        trace(f"session {request.label}: {'found' if found else 'none at hand'}")
        return found

    def _keep(self, plan: Plan, made: int, credentials: Credentials) -> None:
        if self._sessions is not None:
            self._sessions.put(
                plan.question(made),
                credentials,
                access_key_id=plan.signer.key,
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
            for name in sorted(set(request.mfa_serials)) or [plan.signer.key]:
                locks.enter_context(self._ledger.lock("mfa", name, waiting=self._say_waiting))
            yield

    def _say_waiting(self, pid: int) -> None:
        self._person.note(f"waiting for process {pid}, which is getting the same credentials")

    def _ask(self, plan: Plan, request: Request, signer: Signs, reason: str = "") -> Credentials:
        if isinstance(request, AssumeRole) and request.mfa_serials:
            with self._mfa_lock(plan, request):
                return self._calls.call(plan, request, signer, reason)
        return self._calls.call(plan, request, signer)
