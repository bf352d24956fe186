"""What is handed out at one path, and the MFA session behind it: what is at hand, and when it is got anew."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from vaultpy.sessions import SERVER_MARGIN_SECONDS
from vaultpy.sts_requests import GetSessionToken

if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.credentials import Credentials
    from vaultpy.errors import VaultpyError
    from vaultpy.plan import Plan

AHEAD_SECONDS = SERVER_MARGIN_SECONDS + 60
"""With so much left credentials are got anew: before an SDK asks, which would get the old ones once more."""
LOOK_SECONDS = 20.0
"""How long nobody looks at the clock, at the most: a computer that sleeps counts no time."""

_FIRST_PAUSE_SECONDS = 30
_LONGEST_PAUSE_SECONDS = 60
_LONGEST_BETWEEN_TOUCHES_SECONDS = 300


class Attempts:
    """How often something has failed in a row, and when it is to be tried again."""

    def __init__(self, longest_pause: float) -> None:
        """`longest_pause` is in seconds."""
        self.failure: VaultpyError | None = None
        self._longest = longest_pause
        self._pause = 0.0
        self._again_at = 0.0

    def may_try(self, now: float) -> bool:
        """Tell whether the pause after the last failure is over."""
        return now >= self._again_at

    def failed(self, failure: VaultpyError, now: float) -> None:
        """Pause, longer each time; `now` is when it failed."""
        self.failure = failure
        self._pause = min(self._pause * 2 or _FIRST_PAUSE_SECONDS, self._longest)
        self._again_at = now + self._pause

    def succeeded(self) -> None:
        """Forget the failures."""
        self.failure, self._pause, self._again_at = None, 0.0, 0.0


class MfaSession:
    """What the roles of one user are assumed with, and what a touch is asked for.

    `wanted` tells that something was asked for since it was last tried to get one.
    """

    def __init__(self, plan: Plan) -> None:
        """Take `plan`, of which the first call is a GetSessionToken."""
        self.follow(plan)
        self.attempts = Attempts(_LONGEST_BETWEEN_TOUCHES_SECONDS)
        self.announced = False
        self.wanted = True
        self.look_at = 0.0

    def follow(self, plan: Plan) -> None:
        """Be the session that `plan` begins with."""
        self.plan = plan.beginning()

    @property
    def remedy(self) -> str:
        """What a person can do besides touching the key: at another terminal a code may be typed, too.

        A session that is about to end would do for a plain `exec`.
        """
        return f"or in another terminal: vaultpy exec {quote(self.plan.signer.name)} --min-ttl 1h -- true"

    def take(self, session: Credentials, now: float) -> None:
        """Look again when `session` comes to its end."""
        self.attempts.succeeded()
        self.announced = self.wanted = False
        self.look_at = max(session.expiration - AHEAD_SECONDS, now + LOOK_SECONDS)


class Served:
    """What is handed out at one path.

    `wanted` tells that a request found nothing since it was last tried to get it.
    """

    def __init__(self, path: str, name: str, make: Callable[[], Plan]) -> None:
        """`name` is what a person calls it; `make` makes its plan, anew when the access key is another."""
        self.path = path
        self.name = name
        self._make = make
        self.plan = make()
        self.mfa: MfaSession | None = None
        self.credentials: Credentials | None = None
        self.attempts = Attempts(_LONGEST_PAUSE_SECONDS)
        self.end_told = False
        self.wanted = True
        self._renew_at = 0.0

    @property
    def has_mfa_session(self) -> bool:
        """Whether its plan begins with an MFA session."""
        return bool(self.plan.requests) and isinstance(self.plan.requests[0], GetSessionToken)

    def plan_anew(self) -> None:
        """Follow what is enrolled now; raises what making a plan raises."""
        self.plan = self._make()
        if self.mfa is not None:
            self.mfa.follow(self.plan)

    def take(self, credentials: Credentials, now: float) -> None:
        """Hand out `credentials` from now on, which may be those of before."""
        made_for = self.plan.requests[-1].duration if self.plan.requests else credentials.expiration - now
        ahead = min(AHEAD_SECONDS, made_for / 3)
        self._renew_at = max(credentials.expiration - ahead, now + LOOK_SECONDS)
        self.credentials, self.wanted, self.end_told = credentials, False, False
        self.attempts.succeeded()

    def lasts(self, now: float) -> bool:
        """Tell whether there are credentials to hand out."""
        return self.credentials is not None and self.credentials.expiration > now

    def is_due(self, now: float) -> bool:
        """Tell whether they are to be got anew: what has ended only when somebody asks for it."""
        return now >= self._renew_at and self.attempts.may_try(now) and (self.wanted or self.lasts(now))

    def seconds_left(self, now: float) -> float:
        """Return how long it is until they are to be got anew."""
        return self._renew_at - now
