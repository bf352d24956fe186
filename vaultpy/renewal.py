"""Credentials that are handed out for as long as somebody asks: got anew ahead of time, and who is told what.

A request is answered at once, out of what is at hand: SDKs wait two seconds, three times. All else is done by
whoever calls `run`, on a thread of its own.

Only an MFA session may cost a touch. So it is a matter of its own here, asked for while the one at hand still
lasts; the roles of its user are renewed with whichever is at hand, and wait where there is none. Once all has
ended, nobody is asked for a touch until a request comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.served_credentials import AHEAD_SECONDS, LOOK_SECONDS, MfaSession, Served
from vaultpy.sessions import MARGIN_SECONDS
from vaultpy.text import show_duration
from vaultpy.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan

    class Source(Protocol):
        """Where new credentials come from."""

        def credentials(self, plan: Plan) -> Credentials:
            """Return credentials that last for `AHEAD_SECONDS`; may take its time, and ask for a touch."""

        def session(self, plan: Plan, margin: float) -> Credentials | None:
            """Return the session at hand for the plan's first call, if it lasts for `margin` seconds more."""


_ASKED_AGAIN = "new ones are got once something asks for them"


class Renewal:
    """All that is served, kept alive."""

    def __init__(
        self,
        served: Sequence[Served],
        source: Source,
        *,
        clock: Callable[[], float],
        tell: Callable[[str], None],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`clock` gives AWS's time as an epoch in seconds, `tell` speaks to a person who does something else.

        `wake` is called, on the thread of a request, when it is worth while to `step` before its time.
        """
        self._served = {it.path: it for it in served}
        self._source = source
        self._clock = clock
        self._tell = tell
        self._wake = wake
        self._told: set[str] = set()
        sessions: dict[str, MfaSession] = {}
        for it in served:
            if it.has_mfa_session:
                it.mfa = sessions.setdefault(it.plan.question(1), MfaSession(it.plan))
        self._mfa_sessions = list(sessions.values())

    def credentials(self, path: str) -> tuple[Credentials, str | None]:
        """Return what is at hand for `path`, and the account that it belongs to; never waits.

        Raises KeyError for a path where nothing is served, NothingAtHand, and what the clock raises.
        """
        it = self._served[path]
        found = it.credentials
        if found is not None and found.expiration > self._clock():
            return found, it.plan.account_id
        it.wanted = True
        if it.mfa is not None:
            it.mfa.wanted = True
        self._wake()
        raise _nothing_at_hand(it)

    # ---- on the thread that gets them ----------------------------------------------------------------

    def run(self, pause: Callable[[float], bool]) -> None:
        """Get what is due, again and again; `pause` waits so long at most, and tells whether it is over."""
        while True:
            try:
                seconds = self.step()
            except errors.VaultpyError as error:  # the clock's file, or the index: they may be mended
                trace(f"renewal: {error.message}")
                seconds = LOOK_SECONDS
            if pause(seconds):
                return

    def step(self) -> float:
        """Get what is due now; return in how many seconds to look again."""
        for session in self._mfa_sessions:
            self._attend(session)
        for it in self._served.values():
            if it.is_due(self._clock()):
                self._renew(it)
        self._tell_of_ends()
        attempts = [it.attempts for it in self._served.values()] + [it.attempts for it in self._mfa_sessions]
        if not any(each.failure for each in attempts):
            self._told.clear()
        now = self._clock()
        waits = [left for it in self._served.values() if (left := it.seconds_left(now)) > 0]
        return min([LOOK_SECONDS, *waits])

    def _attend(self, session: MfaSession) -> None:
        """See to it that there will be a session for the roles that are to be renewed."""
        now = self._clock()
        if now < session.look_at:
            return
        # Another run may have got one, which also is the way where no YubiKey is at hand.
        found = self._source.session(session.plan, AHEAD_SECONDS)
        if found is None and session.attempts.may_try(now) and self._is_needed(session, now):
            found = self._ask_for(session)
        if found is not None:
            announced = session.announced
            session.take(found, self._clock())
            if announced:
                self._tell(f"there is a new MFA session of {_user(session)}")

    def _is_needed(self, session: MfaSession, now: float) -> bool:
        """Tell whether it is time for a touch: the one at hand ends, or there is none and one is wanted."""
        mine = [it for it in self._served.values() if it.mfa is session]
        if session.wanted and not all(it.lasts(now) for it in mine):
            return True
        ends = self._source.session(session.plan, 0) is not None
        return any(it.lasts(now) and (ends or it.seconds_left(now) <= 0) for it in mine)

    def _ask_for(self, session: MfaSession) -> Credentials | None:
        session.wanted = False
        if not session.announced:
            session.announced = True
            asked = f"touch the YubiKey when it blinks, for a new MFA session of {_user(session)}"
            self._tell(f"{asked}{self._time_left(session)} ({session.remedy})")
        found = self._get(session)
        if isinstance(found, errors.VaultpyError):
            session.attempts.failed(found, self._clock())
            self._tell_once(found, f"no new MFA session yet: {found.message} ({session.remedy})")
            return None
        return found

    def _time_left(self, session: MfaSession) -> str:
        """Say how long it is until the first of the session's roles ends."""
        mine = [it.credentials for it in self._served.values() if it.mfa is session and it.credentials]
        left = min((it.expiration for it in mine), default=0) - self._clock()
        return f": what is served ends in {show_duration(left)}" if left > 0 else ""

    def _renew(self, it: Served) -> None:
        if it.mfa is not None and self._source.session(it.plan, MARGIN_SECONDS) is None:
            it.mfa.look_at = 0.0  # it may have been taken away before its end
            return  # or this would ask for the touch that is being asked for, or was in vain
        it.wanted = False
        found = self._get(it)
        if isinstance(found, errors.VaultpyError):
            it.attempts.failed(found, self._clock())
            self._tell_once(found, f"no new credentials of {it.name} yet: {found.message}; it is tried again")
        else:
            it.take(found, self._clock())

    def _get(self, it: Served | MfaSession) -> Credentials | errors.VaultpyError:
        found = self._try(it.plan)
        if isinstance(found, errors.KeyChanged):  # rotated while we serve
            return self._plan_anew(it) or self._try(it.plan)
        return found

    def _plan_anew(self, it: Served | MfaSession) -> errors.VaultpyError | None:
        """Let all follow what is enrolled now; return what keeps `it` from that."""
        before, failure = it.plan, None
        for each in self._served.values():
            try:
                each.plan_anew()
            except errors.VaultpyError as error:  # noqa: PERF203  # each has its own
                failure = error if it in {each, each.mfa} else failure
        return failure if it.plan is before else None  # a session follows any of its roles

    def _try(self, plan: Plan) -> Credentials | errors.VaultpyError:
        try:
            return self._source.credentials(plan)
        except errors.VaultpyError as error:
            return error
        except Exception as error:  # noqa: BLE001  # a bug in one must not end the renewal of all
            return errors.Internal(kind=type(error).__name__)

    def _tell_once(self, failure: errors.VaultpyError, text: str) -> None:
        """Say it unless the same has been said since all was well."""
        if failure.message not in self._told:
            self._told.add(failure.message)
            self._tell(text)

    def _tell_of_ends(self) -> None:
        now = self._clock()
        ended = [it for it in self._served.values() if it.credentials and not it.lasts(now)]
        new = [it for it in ended if not it.end_told]
        for it in new:
            it.end_told = True
        if new:
            self._tell(f"the credentials of {', '.join(it.name for it in new)} have ended; {_ASKED_AGAIN}")


def _user(session: MfaSession) -> str:
    return session.plan.signer.user


def _nothing_at_hand(it: Served) -> errors.NothingAtHand:
    failure, remedy = it.attempts.failure, "ask again in some seconds, and see the terminal of vaultpy"
    if failure is None and it.mfa is not None:
        failure = it.mfa.attempts.failure
        if it.mfa.announced:
            remedy = f"touch the YubiKey when it blinks, {it.mfa.remedy}"
    reason = failure.message if failure else "they are being fetched"
    return errors.NothingAtHand(name=it.name, reason=reason, remedy=remedy)
