"""Credentials for many profiles at once: one touch a user, and each role's AssumeRole at AWS's pace.

An MFA session is got, and kept, as `exec` does it. What is made with it serves this run alone: no session
store would hold two hundred roles.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.credentials import Credentials, DayKey
from vaultpy.sessions import MARGIN_SECONDS
from vaultpy.signing_account import Signing, still_signs
from vaultpy.sts_requests import GetSessionToken
from vaultpy.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from vaultpy.broker import Broker
    from vaultpy.credentials import Signs
    from vaultpy.fanout import Pace
    from vaultpy.plan import Plan
    from vaultpy.sessions import SessionStore
    from vaultpy.sts_calls import Sts

    class TrueClock(Protocol):
        """What knows AWS's time."""

        def time(self) -> float:
            """Return it as an epoch, in seconds."""

    class Run(Protocol):
        """The objects of one run."""

        @property
        def sessions(self) -> SessionStore: ...  # noqa: D102
        @property
        def ledger(self) -> TrueClock: ...  # noqa: D102
        def confirm_endpoint(self, plan: Plan) -> None: ...  # noqa: D102

        def access_key(self, plan: Plan, signing: Signing) -> Signs:
            """Return what signs a plan's first call."""

        def broker(self, plan: Plan, *, code: str | None, yubikey: str | None) -> Broker:
            """Return what gets a plan's credentials."""

        def sts(self, plan: Plan) -> Sts:
            """Return the STS that a plan's calls go to."""


_ALMOST_OVER_SECONDS = 60


class RoleCredentials:
    """Gets the credentials of each plan of a run, for any thread."""

    def __init__(
        self,
        run: Run,
        pace: Pace,
        *,
        code: str | None,
        yubikey: str | None,
        asking: Callable[[Callable[[], Signs]], Signs],
    ) -> None:
        """`code` was given with the command, `yubikey` is a serial.

        `asking` returns what its argument returns, where a person may be asked for something.
        """
        self._run = run
        self._pace = pace
        self._code = code
        self._yubikey = yubikey
        self._asking = asking
        self._turn = threading.RLock()
        self._turns: dict[str, threading.Lock] = {}
        self._known: dict[str, Signs] = {}
        self._sts: dict[tuple[str, str | None, str], Sts] = {}
        self._failures: dict[object, errors.VaultpyError] = {}
        self._renewed: set[str] = set()

    def prepare(self, plans: Sequence[Plan], *, keep_going: bool) -> None:
        """Get what signs for the roles of all plans, so that each person's touch comes before anything runs.

        Raises what stands in the way; with `keep_going` that is kept for the plans that it concerns.
        """
        first_of = {self._way(plan): plan for plan in reversed(plans) if plan.requests}
        for plan in first_of.values():
            self._sts_of(plan).prepare()
        for way in dict.fromkeys(self._way(plan) for plan in plans if plan.requests):
            try:
                self._signer(first_of[way])
                self._sts_of(first_of[way]).clock_offset()
            except errors.VaultpyError as failure:  # noqa: PERF203  # each has its own
                if not keep_going:
                    raise
                self._failures[way] = failure

    def credentials(self, plan: Plan) -> Credentials:
        """Return credentials for the whole plan; raises what stands in their way, and StoppedError."""
        failure = self._failures.get(self._way(plan))
        if failure is not None:
            raise failure
        signer = self._signer(plan)
        try:
            return self._assumed(plan, signer)
        except errors.SessionRefused:
            renewed = self._renew(plan, signer)
            if renewed is None:
                raise
        return self._assumed(plan, renewed)

    def _signer(self, plan: Plan) -> Signs:
        """Return who signs the plan's first AssumeRole, or the credentials of a plan without one."""
        name = _signer_name(plan)
        with self._turn:
            known = self._known.get(name)
            if known is None or self._is_over(known):
                if plan.requests:
                    known = self._asking(lambda: self._get_signer(plan))
                else:
                    known = self._get_signer(plan)
                self._known[name] = known
            return known

    def _get_signer(self, plan: Plan) -> Signs:
        self._run.confirm_endpoint(plan)
        if not plan.requests or _wants_session(plan):
            start = plan.beginning()
            broker = self._run.broker(start, code=self._code, yubikey=self._yubikey)
            return broker.credentials(start)
        if not plan.signer.is_temporary:
            session = self._run.sessions.get(plan.mfa_session_question(), MARGIN_SECONDS)
            if session is not None:
                return session
        return self._run.access_key(plan, Signing(self._yubikey))

    def _renew(self, plan: Plan, refused: Signs) -> Signs | None:
        """Return a new session in the place of one that AWS no longer takes, once a run; None after that."""
        name = _signer_name(plan)
        with self._turn:
            if self._known[name] == refused:
                if name in self._renewed or not isinstance(refused, Credentials):
                    return None
                trace("AWS no longer takes the session at hand: getting a new one")
                self._renewed.add(name)
                with suppress(errors.SessionsLeft):  # one that stays is refused once more, and that is said
                    self._run.sessions.forget(access_key_id=plan.signer.key)
                del self._known[name]
            return self._signer(plan)

    def _assumed(self, plan: Plan, signer: Signs) -> Credentials:
        calls = len(plan.requests)
        began = int(_wants_session(plan))
        for made in range(began + 1, calls):
            signer = self._on_the_way(plan, made, signer)
        if began < calls:
            signer = self._ask(plan, calls, signer)
        if not isinstance(signer, Credentials):
            raise AssertionError("a plan's last call gives credentials")  # noqa: TRY004  # a bug
        return signer

    def _on_the_way(self, plan: Plan, made: int, signer: Signs) -> Signs:
        """Return the session after the first `made` calls, which further roles may share."""
        question = plan.question(made)
        with self._turns.setdefault(question, threading.Lock()):
            known = self._known.get(question)
            if known is None or self._is_over(known):
                known = self._known[question] = self._ask(plan, made, signer)
            return known

    def _ask(self, plan: Plan, made: int, signer: Signs) -> Credentials:
        request = plan.requests[made - 1]
        facts = plan.signer.facts()
        sts = self._sts_of(plan)
        with self._turn:
            sts.clock_offset()  # builds the client, unless that is done
        return self._pace.keep(lambda: sts.credentials(request, signer, None, facts))

    def _way(self, plan: Plan) -> tuple[object, object]:
        return _signer_name(plan), _where(plan)

    def _sts_of(self, plan: Plan) -> Sts:
        where = _where(plan)
        with self._turn:
            if where not in self._sts:
                self._sts[where] = self._run.sts(plan)
            return self._sts[where]

    def _is_over(self, signer: Signs) -> bool:
        if isinstance(signer, DayKey):
            return not still_signs(signer.date, self._run.ledger.time())
        if not isinstance(signer, Credentials):
            return False
        return signer.expiration - self._run.ledger.time() < _ALMOST_OVER_SECONDS


def users_asked(plans: Sequence[Plan]) -> list[str]:
    """Return the names of those whose MFA session the plans need, in order."""
    return list(dict.fromkeys(plan.signer.name for plan in plans if _wants_session(plan)))


def _signer_name(plan: Plan) -> str:
    """Return what tells a plan's signer from another: who it is, and whether by an MFA session."""
    return plan.question(int(_wants_session(plan)))


def _where(plan: Plan) -> tuple[str, str | None, str]:
    return plan.region, plan.endpoint_url, plan.signer.name


def _wants_session(plan: Plan) -> bool:
    return bool(plan.requests) and isinstance(plan.requests[0], GetSessionToken)
