"""Would `exec` ask for an MFA code now? Told from a plan and the sessions at hand, without asking anybody.

The way through a plan is `Broker`'s, from its end: what no session answers has to be asked of AWS, and the
first request may want a code. What AWS would refuse is not foreseen.
"""

from __future__ import annotations

from vaultpy.digests import digest
from vaultpy.durations import HOUR
from vaultpy.errors import BadVariable, StateUnusable, VaultpyError
from vaultpy.kept_day_keys import MARGIN_SECONDS as KEPT_MARGIN_SECONDS
from vaultpy.kept_day_keys import question as kept_question
from vaultpy.mfa import is_virtual
from vaultpy.plan import Options, make_plan
from vaultpy.sessions import SessionStore, serves
from vaultpy.signing_account import aws_date
from vaultpy.sts_requests import AssumeRole, GetSessionToken
from vaultpy.text import show_duration
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.plan import Plan
    from vaultpy.session_places import Place
    from vaultpy.sts_requests import Request

    Look = Callable[[str], "Held | None"]
    """Answers a question with the session that lasts, if there is one."""


TWO_TOUCHES = "two touches"
# What is asked for if a touch for the signature comes before it.
_AND_SIGNING = {"": "touch", "touch": TWO_TOUCHES, "code": "touch and a code"}


class Held(Value):
    """A session that lasts: its end (epoch in seconds) and the seconds it was made for.

    `seen` is false where only the index tells of it, because a keystore would have to be opened for a look.
    """

    __slots__ = ("duration", "expiration", "seen")
    expiration: int
    duration: int
    seen: bool

    def __init__(self, expiration: int, duration: int, *, seen: bool) -> None:
        self._set(expiration=expiration, duration=duration, seen=seen)

    def serves(self, duration: int, now: float) -> bool:
        """Tell whether `SessionStore.get` would return it to `exec`, which needs one made for `duration`."""
        return serves(self.expiration, self.duration, now, duration=duration)


class Readiness(Value):
    """What `exec` of a profile would meet.

    `asks` is what it would ask for (a `touch`, `two touches`, a typed `code`, a `touch and a code`, or
    nothing), `expiration` the end of the profile's own session and `mfa_expiration` that of its user's MFA
    session (epochs in seconds, 0 where there is none), `seen` whether all of these were seen to be there,
    `too_short` whether the profile's own session would be passed over.
    """

    __slots__ = ("asks", "expiration", "mfa_expiration", "profile", "seen", "too_short")
    profile: str
    asks: str
    expiration: int
    mfa_expiration: int
    seen: bool
    too_short: bool

    def __init__(  # noqa: PLR0913  # a record has its fields
        self,
        profile: str,
        asks: str,
        *,
        expiration: int = 0,
        mfa_expiration: int = 0,
        seen: bool = True,
        too_short: bool = False,
    ) -> None:
        self._set(profile=profile, asks=asks, expiration=expiration, mfa_expiration=mfa_expiration)
        self._set(seen=seen, too_short=too_short)

    def as_json(self) -> dict[str, object]:
        """Return the object that `status --json` shows; its shape is a promise (docs/schemas/status.json)."""
        return {
            "profile": self.profile,
            "touch": bool(self.asks),
            "expiration": self.expiration or None,
            "mfa_expiration": self.mfa_expiration or None,
            "seen": self.seen,
        }

    def line(self, now: float) -> str:
        """Return the line that a person reads; it holds the profile's name as the file has it."""
        asks = self.asks if self.asks == TWO_TOUCHES else f"a {self.asks}"
        said = f"{self.profile}: " + (f"exec will ask for {asks}" if self.asks else "no touch needed")
        if self.expiration:
            left = show_duration(self.expiration - now)
            said += f"; its session is too short, {left} left" if self.too_short else f", {left} left"
        if self.mfa_expiration not in {0, self.expiration}:
            said += f"; MFA session {show_duration(self.mfa_expiration - now)} left"
        return said if self.seen else said + " (as listed, no keystore was opened)"


def at_hand(index: Index, places: list[Place], clock: Callable[[], float]) -> Look:
    """Return a look at the sessions that last now, in `places`: those that `exec` would look into.

    The index's word counts for what a keystore may hold. Raises StateUnusable.
    """
    quiet = [place for place in places if place.quiet]
    seen = {entry.digest for entry in SessionStore(index, quiet, clock).alive()}
    alive = {entry.digest: entry for entry in SessionStore(index, places, clock).alive()}

    def look(question: str) -> Held | None:
        entry = alive.get(digest(question))
        return Held(entry.expiration, entry.duration, seen=entry.digest in seen) if entry else None

    return look


def readiness(plan: Plan, look: Look, now: float) -> Readiness:
    """Return what `exec` of this plan would meet at the time `now`."""
    asks, last = "", len(plan.requests)
    signer = None
    for made in range(last, 0, -1):
        signer = look(plan.question(made))
        if signer and signer.serves(_wanted(plan, made), now):
            break
        signer, asks = None, asks or _asked_for(plan.requests[made - 1].mfa_serials)
    own = look(plan.question(last)) if last else None
    mfa = look(plan.mfa_session_question()) if last else None
    to_sign = last and signer is None and not (_rides(plan.requests[0]) and mfa)
    if to_sign and _signs_by_touch(plan, look, now):
        asks = _AND_SIGNING[asks]
    return Readiness(
        plan.profile.name,
        asks,
        expiration=own.expiration if own else 0,
        mfa_expiration=mfa.expiration if mfa else 0,
        seen=all(session.seen for session in (own, mfa, signer) if session),
        too_short=own is not None and not own.serves(_wanted(plan, last), now),
    )


def plan_for(config: Config, index: Index, name: str, environ: Mapping[str, str]) -> Plan:
    """Return the plan that `exec` makes for profile `name` without options; raises what `exec` would."""
    plan = make_plan(config, index, name, Options(), environ)
    config.child_settings(plan.profile)
    return plan


def usable_plans(config: Config, index: Index, environ: Mapping[str, str]) -> list[Plan]:
    """Return the plans of all profiles that `exec` can use, in the order of the config file.

    Raises BadVariable and StateUnusable, which are no profile's fault.
    """
    plans = []
    for name in config.names():
        try:
            plans.append(plan_for(config, index, name, environ))
        except (BadVariable, StateUnusable):  # noqa: PERF203  # each profile may be wrong by itself
            raise
        except VaultpyError:  # `exec` says what is wrong
            continue
    return plans


def _wanted(plan: Plan, made: int) -> int:
    """Return for how long the session after so many requests must be made; one that only signs: any time."""
    request = plan.requests[made - 1]
    only_signs = made < len(plan.requests) and isinstance(request, GetSessionToken)
    return 0 if only_signs else request.duration


def _signs_by_touch(plan: Plan, look: Look, now: float) -> bool:
    if plan.signer.enrolment is None or not plan.signer.enrolment.on_yubikey:
        return False
    kept = look(kept_question(plan.signer.key, aws_date(now)))
    return kept is None or kept.expiration - now <= KEPT_MARGIN_SECONDS


def _rides(request: Request) -> bool:
    """Tell whether an MFA session that is alive signs it, as the broker has it."""
    return isinstance(request, AssumeRole) and not request.mfa_serials and request.duration <= HOUR


def _asked_for(mfa_serials: tuple[str, ...]) -> str:
    if not mfa_serials:
        return ""
    return "touch" if any(map(is_virtual, mfa_serials)) else "code"
