"""What is served is got anew in time, a touch is asked for well before the end, and no request ever waits."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.aws import Clock
from support.fuzzing import examples
from vaultpy import errors
from vaultpy.credentials import Credentials
from vaultpy.plan import Plan
from vaultpy.profile import Profile
from vaultpy.records import Enrolment
from vaultpy.renewal import Renewal
from vaultpy.served_credentials import AHEAD_SECONDS, LOOK_SECONDS, Served
from vaultpy.sessions import MARGIN_SECONDS, serves
from vaultpy.signers import Signer
from vaultpy.sts_requests import AssumeRole, GetSessionToken
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.sts_requests import Request

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MFA_SECONDS = 12 * HOUR
USER = "arn:aws:iam::123456789012:user/alice"
UNREACHABLE = errors.Unreachable(host="sts", reason="no network", remedy="wait")
NOT_TOUCHED = errors.NotTouched(times=3)


def arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/{name}"


def plan(*requests: Request, key: str = "AKIA1") -> Plan:
    enrolment = Enrolment(
        name="dev",
        access_key_id=key,
        user_arn=USER,
        mfa_serials=("arn:aws:iam::123456789012:mfa/alice",),
        keystore="system",
        keystore_file="",
        added=0,
    )
    profile = Profile("dev-role", "/config", {})
    return Plan(profile, Signer(enrolment), requests, region="eu-central-1", endpoint_url=None, capped=False)


def mfa(seconds: int = MFA_SECONDS) -> GetSessionToken:
    return GetSessionToken(("arn:aws:iam::123456789012:mfa/alice",), seconds)


def role(name: str = "dev", seconds: int = HOUR) -> AssumeRole:
    return AssumeRole(arn(name), "alice", external_id=None, duration=seconds)


class Aws:
    """Where credentials come from: a session at hand, a finger that touches or does not, a network."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.touched = True
        self.network = True
        self.key = "AKIA1"
        self.asked: list[str] = []
        self.mfa_session: Credentials | None = None
        self.mfa_made_for = 0
        self.touch_seconds = 0.0
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens while something is got."""

    @property
    def touches(self) -> int:
        """How often a touch was asked for."""
        return self.asked.count("touch")

    def session(self, plan: Plan, margin: float) -> Credentials | None:
        """Return the MFA session, by the rule of the real store."""
        del plan
        found = self.mfa_session
        lasts = found is not None and serves(found.expiration, self.mfa_made_for, self.clock(), margin=margin)
        return found if lasts else None

    def credentials(self, plan: Plan) -> Credentials:
        """Make the last call of the plan; a touch is asked for where there is no session to sign with."""
        self.meanwhile()
        if plan.signer.key != self.key:
            raise errors.KeyChanged(profile="dev", old_id=plan.signer.key, new_id=self.key)
        last = plan.requests[-1]
        if isinstance(last, GetSessionToken):
            return self.session(plan, AHEAD_SECONDS) or self.get_session(last.duration)
        if isinstance(plan.requests[0], GetSessionToken) and self.session(plan, MARGIN_SECONDS) is None:
            self.get_session(plan.requests[0].duration)
        if not self.network:
            raise UNREACHABLE
        self.asked.append(last.role_arn)
        return self.made(last.duration)

    def get_session(self, seconds: int) -> Credentials:
        """Ask for a touch, and get an MFA session."""
        self.asked.append("touch")
        self.clock.advance(self.touch_seconds)
        if not self.touched:
            raise NOT_TOUCHED
        if not self.network:
            raise UNREACHABLE
        self.mfa_session, self.mfa_made_for = self.made(seconds), seconds
        return self.mfa_session

    def made(self, seconds: int) -> Credentials:
        """Return credentials that last so long."""
        return Credentials("ASIA1", Secret("s"), Secret("t"), int(self.clock()) + seconds)


class Desk:
    """A renewal over such an AWS, the first MFA session being at hand."""

    def __init__(self, *requests: Request, more: tuple[Request, ...] = ()) -> None:
        self.clock = Clock(10 * DAY)
        self.aws = Aws(self.clock)
        self.said: list[str] = []
        self.woken = 0
        paths = {"/a": requests or (mfa(), role())} | {f"/{it.label}": (mfa(), it) for it in more}
        self.served = [
            Served(path, path.strip("/"), lambda its=its: plan(*its, key=self.aws.key))  # type: ignore[misc]  # each its own
            for path, its in paths.items()
        ]
        self.renewal = Renewal(self.served, self.aws, clock=self.clock, tell=self.said.append, wake=self.wake)

    def wake(self) -> None:
        """Count it."""
        self.woken += 1

    def start(self) -> Desk:
        """Get the first MFA session and what is served, as `exec` does before its command begins."""
        if self.served[0].has_mfa_session:
            self.aws.get_session(MFA_SECONDS)
            self.aws.asked.clear()
        self.served[0].take(self.aws.credentials(self.served[0].plan), self.clock())
        return self

    def left(self, path: str = "/a") -> float:
        """Ask as an SDK does; return how long what it gets lasts, 0 if it gets nothing."""
        before = list(self.aws.asked), self.clock()
        try:
            found, account = self.renewal.credentials(path)
        except errors.NothingAtHand:
            return 0
        finally:
            assert (self.aws.asked, self.clock()) == before  # nobody was asked, and no time went by
        assert account == "123456789012"
        assert found.expiration > self.clock()
        return found.expiration - self.clock()

    def refusal(self, path: str = "/a") -> errors.NothingAtHand:
        """Ask where there is nothing."""
        with pytest.raises(errors.NothingAtHand) as refusal:
            self.renewal.credentials(path)
        return refusal.value

    def go_on(self, seconds: float, check: Callable[[], object] = lambda: None) -> None:
        """Let that time pass."""
        end = self.clock() + seconds
        while self.clock() < end:
            wait = self.renewal.step()
            assert 0 < wait <= LOOK_SECONDS
            check()
            self.clock.advance(min(wait, max(end - self.clock(), 0.1)))
            check()


# ---- in time --------------------------------------------------------------------------------------------


def test_a_request_never_meets_less_than_the_quarter_of_an_hour_at_which_sdks_ask_anew() -> None:
    desk = Desk().start()
    least = math.inf

    def check() -> None:
        nonlocal least
        least = min(least, desk.left())

    desk.go_on(36 * HOUR, check)
    assert 15 * MINUTE < least <= AHEAD_SECONDS


def test_roles_are_renewed_without_a_touch_and_a_touch_is_asked_for_once_an_mfa_session() -> None:
    desk = Desk(more=(role("ops"), role("logs"))).start()
    desk.go_on(36 * HOUR)
    assert desk.aws.touches == 3  # and one at the start: 36 hours in sessions of 12 that end 16 minutes early
    assert desk.aws.asked.count(arn("ops")) == desk.aws.asked.count(arn("logs")) == 50


def test_short_sessions_are_renewed_when_a_third_of_them_is_left() -> None:
    desk = Desk(mfa(), role(seconds=15 * MINUTE)).start()
    lefts: list[float] = []
    desk.go_on(2 * HOUR, lambda: lefts.append(desk.left()))
    assert min(lefts) >= 5 * MINUTE
    assert desk.aws.asked.count(arn("dev")) == 2 * HOUR / (10 * MINUTE)


def test_an_mfa_session_can_be_what_is_served() -> None:
    desk = Desk(mfa()).start()
    lefts: list[float] = []
    desk.go_on(36 * HOUR, lambda: lefts.append(desk.left()))
    assert min(lefts) > 15 * MINUTE
    assert desk.aws.touches == 3


def test_credentials_without_an_mfa_session_are_renewed_too() -> None:
    desk = Desk(role()).start()
    lefts: list[float] = []
    desk.go_on(5 * HOUR, lambda: lefts.append(desk.left()))
    assert min(lefts) > 15 * MINUTE
    assert (desk.aws.touches, desk.said) == (0, [])


def test_the_touch_is_asked_for_while_the_old_session_still_makes_roles() -> None:
    desk = Desk().start()
    asked_at: list[float] = []

    def meanwhile() -> None:
        if desk.aws.session(desk.served[0].plan, AHEAD_SECONDS) is None:
            asked_at.append(desk.clock())

    desk.aws.meanwhile = meanwhile
    end = desk.clock() + MFA_SECONDS
    desk.go_on(MFA_SECONDS - MINUTE)
    assert end - asked_at[0] == pytest.approx(AHEAD_SECONDS, abs=LOOK_SECONDS)
    assert desk.said[0].startswith(f"touch the YubiKey when it blinks, for a new MFA session of {USER}")
    assert "what is served ends in " in desk.said[0]
    assert desk.said[1:] == [f"there is a new MFA session of {USER}"]


def test_after_a_sleep_of_hours_all_is_renewed_at_once() -> None:
    desk = Desk().start()
    desk.go_on(HOUR)
    desk.clock.advance(8 * HOUR)
    assert desk.left() == 0
    desk.renewal.step()
    assert desk.left() == HOUR
    assert "have ended" not in " ".join(desk.said)


def test_a_request_while_a_touch_is_waited_for_gets_what_is_still_good() -> None:
    desk = Desk().start()
    seen: list[float] = []
    desk.aws.meanwhile = lambda: seen.append(desk.left())
    desk.go_on(24 * HOUR)
    assert seen
    assert min(seen) > 0


# ---- at the start ---------------------------------------------------------------------------------------


def test_what_is_not_there_yet_is_refused_at_once_and_there_after_the_first_step() -> None:
    desk = Desk(more=(role("ops"),)).start()
    refusal = desk.refusal(f"/{arn('ops')}")
    assert refusal.message == f"there are no credentials of {arn('ops')} now: they are being fetched"
    assert desk.woken == 1
    desk.renewal.step()
    assert desk.left(f"/{arn('ops')}") == HOUR
    assert desk.aws.touches == 0


def test_a_path_where_nothing_is_served_is_no_matter_of_credentials() -> None:
    with pytest.raises(KeyError):
        Desk().start().renewal.credentials("/b")


def test_a_role_that_is_refused_is_told_once_and_tried_again_only_when_it_is_asked_for() -> None:
    desk = Desk(more=(role("ops"),)).start()
    denied = errors.RoleDenied(user=USER, role=arn("ops"), remedy="ask for it")

    real = desk.aws.credentials
    calls: list[str] = []

    def credentials(its: Plan) -> Credentials:
        label = its.requests[-1].label
        calls.append(label)
        if label == arn("ops"):
            raise denied
        return real(its)

    desk.aws.credentials = credentials  # type: ignore[assignment,method-assign]  # a role that AWS refuses
    desk.go_on(2 * HOUR)
    assert calls.count(arn("ops")) == 1
    assert [text for text in desk.said if "ops" in text] == [
        f"no new credentials of {arn('ops')} yet: {denied.message}; it is tried again"
    ]
    assert denied.message in desk.refusal(f"/{arn('ops')}").message
    desk.renewal.step()
    assert calls.count(arn("ops")) == 2


# ---- when it fails --------------------------------------------------------------------------------------


def test_without_a_network_it_is_tried_again_with_longer_pauses_told_once_and_heals() -> None:
    desk = Desk().start()
    tries: list[float] = []
    desk.aws.meanwhile = lambda: tries.append(desk.clock())
    desk.go_on(43 * MINUTE)
    desk.aws.network = False
    desk.go_on(14 * MINUTE)
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert pauses == [*sorted(pauses[:3]), *[MINUTE] * (len(pauses) - 3)]
    assert len(pauses) > 10
    assert len(desk.said) == 1
    assert UNREACHABLE.message in desk.said[0]
    assert desk.left() > 0
    desk.aws.network = True
    desk.go_on(2 * MINUTE)
    assert desk.left() > 50 * MINUTE
    assert len(desk.said) == 1


def test_an_end_is_told_and_a_request_then_learns_the_reason() -> None:
    desk = Desk().start()
    desk.aws.network = False
    desk.go_on(HOUR + MINUTE)
    assert len(desk.said) == 2
    assert desk.said[1].startswith("the credentials of a have ended")
    assert UNREACHABLE.message in desk.refusal().message


def test_where_nobody_touches_the_key_it_is_said_once_with_the_way_out_and_requests_learn_it() -> None:
    desk = Desk().start()
    desk.aws.touched = False
    desk.aws.touch_seconds = 45
    desk.go_on(14 * HOUR)
    asked, failed, over = desk.said
    assert "vaultpy exec dev --min-ttl 1h -- true" in asked
    assert NOT_TOUCHED.message in failed
    assert over.startswith("the credentials of a have ended")
    refusal = desk.refusal()
    assert NOT_TOUCHED.message in refusal.message
    assert "vaultpy exec dev --min-ttl 1h -- true" in refusal.hint


def test_once_all_has_ended_the_key_blinks_only_when_something_asks_for_credentials() -> None:
    desk = Desk().start()
    desk.aws.touched = False
    desk.go_on(14 * HOUR)
    asked = desk.aws.touches
    assert 3 < asked < 30
    desk.go_on(10 * HOUR)
    assert desk.aws.touches == asked
    assert desk.left() == 0
    assert desk.woken == 1
    desk.aws.touched = True
    desk.renewal.step()
    assert desk.aws.touches == asked + 1
    assert desk.left() == HOUR


def test_a_session_that_another_run_got_ends_the_asking() -> None:
    desk = Desk().start()
    desk.aws.touched = False
    desk.go_on(12 * HOUR)
    asked = desk.aws.touches
    desk.aws.mfa_session = desk.aws.made(MFA_SECONDS)
    desk.go_on(HOUR)
    assert desk.aws.touches == asked
    assert desk.left() > 0


def test_a_session_that_was_taken_away_before_its_end_is_missed_when_a_role_is_renewed() -> None:
    desk = Desk().start()
    desk.go_on(HOUR)
    desk.aws.mfa_session = None
    desk.go_on(HOUR, lambda: desk.left() or pytest.fail("it has ended"))
    assert desk.aws.touches == 1
    assert desk.left() > 15 * MINUTE


def test_without_an_mfa_session_a_touch_is_asked_for_when_a_role_at_hand_comes_to_its_end() -> None:
    desk = Desk().start()
    desk.aws.mfa_session = None
    desk.go_on(43 * MINUTE)
    assert desk.aws.touches == 0
    desk.go_on(2 * MINUTE)
    assert desk.aws.touches == 1
    assert desk.left() > 15 * MINUTE


def test_without_an_mfa_session_a_role_that_is_allowed_costs_a_touch_at_the_start() -> None:
    desk = Desk(more=(role("ops"),)).start()
    desk.aws.mfa_session = None
    desk.renewal.step()
    assert desk.aws.touches == 1
    assert desk.left(f"/{arn('ops')}") == HOUR


def test_a_role_waits_for_the_mfa_session_and_asks_for_no_touch_of_its_own() -> None:
    desk = Desk(more=(role("ops"), role("logs"))).start()
    desk.aws.touched = False
    desk.aws.touch_seconds = 45
    begin = desk.clock()
    blinks: list[float] = []

    def meanwhile() -> None:
        if desk.aws.session(desk.served[0].plan, MARGIN_SECONDS) is None:
            blinks.append(desk.clock() - begin)

    desk.aws.meanwhile = meanwhile
    desk.go_on(13 * HOUR)
    pauses = [later - earlier for earlier, later in pairwise(blinks)]
    assert min(pauses) > 4 * MINUTE


def test_a_rotated_access_key_is_followed() -> None:
    desk = Desk().start()
    desk.aws.key = "AKIA2"
    desk.go_on(HOUR)
    assert desk.left() > 15 * MINUTE
    assert desk.said == []


def test_an_access_key_that_is_gone_is_told_to_the_person_and_to_whoever_asks() -> None:
    desk = Desk(more=(role("ops"),)).start()

    def make() -> Plan:
        raise errors.NoSuchProfile(profile="dev", path="/config")

    desk.served.append(Served("/gone", "gone", lambda: plan(mfa(), role(), key=desk.aws.key)))
    desk.renewal = Renewal(desk.served, desk.aws, clock=desk.clock, tell=desk.said.append)
    desk.served[-1]._make = make  # as `remove` leaves it
    desk.aws.key = "AKIA2"
    desk.go_on(2 * HOUR)
    assert desk.left() > 0
    assert desk.left(f"/{arn('ops')}") > 0
    assert "no profile dev" in desk.refusal("/gone").message
    assert any("no new credentials of gone yet: no profile dev" in text for text in desk.said)


def test_a_bug_in_one_is_told_and_does_not_end_the_renewal_of_the_others() -> None:
    desk = Desk(more=(role("ops"),)).start()
    real = desk.aws.credentials

    def credentials(its: Plan) -> Credentials:
        if its.requests[-1].label == arn("ops"):
            raise ZeroDivisionError
        return real(its)

    desk.aws.credentials = credentials  # type: ignore[assignment,method-assign]  # a bug
    desk.go_on(2 * HOUR)
    assert desk.left() > 0
    assert "ZeroDivisionError" in desk.said[0]


def test_a_clock_that_cannot_be_read_for_a_while_does_not_end_the_renewal() -> None:
    desk = Desk()
    pauses: list[float] = []

    def broken() -> float:
        raise errors.StateUnusable(path="/x", reason="no", remedy="mend it")

    renewal = Renewal(desk.served, desk.aws, clock=broken, tell=desk.said.append)

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) == 2

    renewal.run(pause)
    assert pauses == [LOOK_SECONDS, LOOK_SECONDS]


# ---- whatever happens -----------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["touched", "network"]), st.booleans(), st.integers(1, 200).map(lambda n: n * MINUTE)
    ),
    max_size=6,
)


A_TOUCH_TOO_LATE = [
    ("network", False, 2700),
    ("network", True, 5220),
    ("touched", False, 540),
    ("touched", False, 10140),
    ("touched", False, 11940),
    ("network", True, 11640),
]


@pytest.mark.timeout(900)  # in the long form
@examples(20)
@given(EVENTS, st.integers(0, 90))
@example(A_TOUCH_TOO_LATE, 0)
def test_whatever_fails_and_heals_nothing_ended_is_handed_out_and_no_request_waits(
    events: list[tuple[str, bool, int]], touch_seconds: int
) -> None:
    desk = Desk(more=(role("ops"),)).start()
    desk.aws.touch_seconds = touch_seconds

    def ask() -> None:
        for it in desk.served:
            desk.left(it.path)

    desk.aws.meanwhile = ask
    for what, works, seconds in events:
        setattr(desk.aws, what, works)
        desk.clock.advance(seconds % 7 * MINUTE)  # a computer that slept
        desk.go_on(seconds, ask)
    desk.aws.touched = desk.aws.network = True
    desk.go_on(10 * MINUTE, ask)  # what has ended is got again only for whoever asks
    assert min(desk.left(it.path) for it in desk.served) > 15 * MINUTE
