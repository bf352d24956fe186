"""Days in seconds: what renewal, the age of MFA and odd clocks cost a finger."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from support.preloaded import Preloaded
from support.time_travel import TravellingWorld, clock, missing
from vaultpy.simulated.aws_sessions import AssumedRole
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vaultpy.simulated.aws_accounts import Role
    from vaultpy.simulated.aws_sessions import Session

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MARGIN = 5 * MINUTE
EXECS_A_DAY = 64
BLINKING_IS_SEEN = pytest.mark.parametrize("world", [0.5], indirect=True, ids=["slow finger"])
GRID = 2 * MINUTE  # so coarse that no exec of the day falls where a margin ends


@pytest.fixture(scope="module")
def preloaded() -> Iterator[Preloaded]:
    """Provide what commands are forked from: hundreds of them are run here."""
    with Preloaded(os.environ | clock()) as preloaded:
        yield preloaded


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, preloaded: Preloaded) -> Iterator[TravellingWorld]:
    """Provide a world, at eight in the morning of tomorrow, in which alice's key is enrolled."""
    finger = SteadyFinger(getattr(request, "param", 0.1))
    with TravellingWorld(tmp_path, finger=finger, preloaded=preloaded) as world:
        begin(world)
        yield world


def begin(world: TravellingWorld) -> None:
    world.enrol()
    world.go_to((time.time() // DAY + 1) * DAY + 8 * HOUR)


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[TravellingWorld]:
    """Provide such a world in which all sessions of a day stay where they are, whatever others do."""
    with (
        Preloaded(os.environ | clock(), apart=True) as preloaded,
        TravellingWorld(tmp_path, finger=SteadyFinger(0.1), preloaded=preloaded) as world,
    ):
        begin(world)
        yield world


def write_profile(world: TravellingWorld, name: str, role: Role, source: str = "dev", more: str = "") -> None:
    with (world.home / ".aws" / "config").open("a") as config:
        config.write(f"\n[profile {name}]\nrole_arn = {role.arn}\nsource_profile = {source}\n{more}\n")


def exec_session(world: TravellingWorld, profile: str = "dev-role", *options: str) -> Session:
    """Return the session that a command of `exec` finds in its environment; AWS takes it then."""
    done = world.run("exec", *options, profile, "--", "printenv", "AWS_ACCESS_KEY_ID")
    assert done.returncode == 0, done.stderr
    session = world.aws.session(done.stdout.strip())
    assert session.expiration > world.now()
    return session


def role_of(session: Session) -> Role:
    assert isinstance(session.principal, AssumedRole)
    return session.principal.role


def count(world: TravellingWorld, action: str) -> int:
    return sum(call.action == action for call in world.aws.calls)


def assert_nothing_was_refused(world: TravellingWorld) -> None:
    assert [call for call in world.aws.calls if call.verdict != "OK"] == []


class Day:
    """Ten roles in three accounts: plain ones, one with an external id, one behind another."""

    def __init__(self, world: TravellingWorld) -> None:
        self.chains: dict[str, tuple[Role, ...]] = {"dev-role": (world.role,)}
        self._ends: dict[tuple[Role, ...], float] = {}
        self.assumed = 0
        here = world.alice.account
        for name in ("ops", "billing", "logs"):
            self._add(world, here.role(name, requires_mfa=True))
        for account_id in ("210987654321", "321098765432"):
            there = world.aws.account(account_id)
            for name in ("read", "deploy"):
                role = there.role(f"{name}-{account_id}", trusts=[world.alice.arn], requires_mfa=True)
                self._add(world, role)
        partner = world.aws.account("432109876543").role(
            "partner", trusts=[world.alice.arn], requires_mfa=True, external_id="42/vaultpy"
        )
        self._add(world, partner, more="external_id = 42/vaultpy")
        spoke = world.aws.account("543210987654").role("spoke", trusts=[here.roles["ops"].arn])
        write_profile(world, "spoke", spoke, source="ops")
        self.chains["spoke"] = (here.roles["ops"], spoke)

    def _add(self, world: TravellingWorld, role: Role, more: str = "") -> None:
        write_profile(world, role.name, role, more=more)
        self.chains[role.name] = (role,)

    def expect(self, profile: str, now: float) -> None:
        """Count in `assumed` the calls that this exec must cost, with renewal when 5 minutes are left."""
        chain = self.chains[profile]
        needed = len(chain)
        while needed and self._ends.get(chain[:needed], 0) - now <= MARGIN:
            needed -= 1
        for made in range(needed, len(chain)):
            self._ends[chain[: made + 1]] = now + HOUR
            self.assumed += 1


def test_a_working_day_in_ten_roles_costs_one_touch_and_a_call_an_hour_for_each(
    apart: TravellingWorld,
) -> None:
    world = apart
    day = Day(world)
    assert len(day.chains) == 10
    dice = random.Random(8)  # noqa: S311  # a day like any other, and the same each time
    morning = world.now()
    times = sorted(dice.randrange(0, 10 * HOUR, GRID) for _ in range(EXECS_A_DAY))
    profiles = [*day.chains, *dice.choices(list(day.chains), k=EXECS_A_DAY - len(day.chains))]
    dice.shuffle(profiles)
    for at, profile in zip(times, profiles, strict=True):
        world.go_to(morning + at)
        day.expect(profile, morning + at)
        options = dice.choice(((), ("--region", "eu-west-1")))  # with an option the warm path is not taken
        assert role_of(exec_session(world, profile, *options)) is day.chains[profile][-1]
    assert world.yubikey.calculations == 1
    assert count(world, "GetSessionToken") == 1
    assert count(world, "AssumeRole") == day.assumed
    assert len(day.chains) < day.assumed <= 11 * len(day.chains)
    assert_nothing_was_refused(world)


def test_a_role_is_renewed_when_five_minutes_are_left_and_not_when_six_are(world: TravellingWorld) -> None:
    first = exec_session(world)
    world.go_to(first.expiration - 6 * MINUTE)
    assert exec_session(world) is first
    assert exec_session(world, "dev-role", "--region", "eu-west-1") is first
    world.go_to(first.expiration - 5 * MINUTE)
    second = exec_session(world)
    assert second is not first
    assert exec_session(world) is second
    assert world.yubikey.calculations == 1


def test_the_second_touch_is_asked_for_when_five_minutes_of_twelve_hours_are_left(
    world: TravellingWorld,
) -> None:
    morning = world.now()
    exec_session(world)
    world.go_to(morning + 12 * HOUR - 6 * MINUTE)
    exec_session(world)
    assert world.yubikey.calculations == count(world, "GetSessionToken") == 1
    world.go_to(morning + 12 * HOUR - 5 * MINUTE + 1)
    write_profile(world, "ops", world.alice.account.role("ops", requires_mfa=True))
    exec_session(world, "ops")
    assert world.yubikey.calculations == count(world, "GetSessionToken") == 2
    assert_nothing_was_refused(world)


@pytest.fixture
def strict(world: TravellingWorld) -> Role:
    """Provide a role, profile `strict`, that wants MFA of the last hour; its session is about to end."""
    role = world.alice.account.role("strict", max_age=HOUR)
    write_profile(world, "strict", role)
    exec_session(world)
    world.ahead += 30 * MINUTE
    young = exec_session(world, "strict")
    assert world.yubikey.calculations == 1
    world.go_to(young.expiration - MARGIN)
    return role


def test_a_role_that_wants_young_mfa_is_refused_once_the_shared_session_is_older(
    world: TravellingWorld, strict: Role
) -> None:
    done = world.run("exec", "strict", "--", "true")
    assert done.returncode == 125
    assert f"does not let {world.alice.arn} assume {strict.arn}" in done.stderr
    assert (world.aws.calls[-1].action, world.aws.calls[-1].verdict) == ("AssumeRole", "AccessDenied")
    assert world.yubikey.calculations == 1
    exec_session(world)  # the others are served as before
    assert world.yubikey.calculations == 1


@BLINKING_IS_SEEN
def test_such_a_role_is_tried_with_a_touch_of_its_own_where_a_person_can_be_asked(
    world: TravellingWorld, strict: Role
) -> None:
    with world.at_a_terminal("exec", "strict", "--", "printenv", "AWS_ACCESS_KEY_ID") as terminal:
        terminal.expect("this role may want a fresh touch")
        assert terminal.wait() == 0, terminal.screen
    assert "vaultpy_mfa = direct" in terminal.screen
    assert "ASIA" in terminal.screen
    assert [call.verdict for call in world.aws.calls if call.parameters.get("RoleArn") == strict.arn] == [
        "OK",
        "AccessDenied",
        "OK",
    ]
    assert (world.yubikey.calculations, count(world, "GetSessionToken")) == (2, 1)


@BLINKING_IS_SEEN
def test_a_role_that_refuses_for_another_reason_costs_one_more_touch_and_no_third(
    world: TravellingWorld,
) -> None:
    exec_session(world)
    world.ahead += 30 * MINUTE
    foreign = world.alice.account.role("foreign", trusts=["999999999999"], requires_mfa=True)
    write_profile(world, "foreign", foreign)
    with world.at_a_terminal("exec", "foreign", "--", "true") as terminal:
        terminal.expect("this role may want a fresh touch")
        assert terminal.wait() == 125, terminal.screen
    assert foreign.arn in terminal.screen
    assert world.yubikey.calculations == 2


def test_a_role_with_direct_mfa_takes_a_touch_for_each_of_its_sessions(world: TravellingWorld) -> None:
    role = world.alice.account.role("strict", max_age=HOUR)
    write_profile(world, "strict", role, more="vaultpy_mfa = direct")
    for hour in range(1, 4):
        session = exec_session(world, "strict")
        assert exec_session(world, "strict") is session
        assert world.yubikey.calculations == hour
        world.go_to(session.expiration - MARGIN)
    assert count(world, "GetSessionToken") == 0
    assert_nothing_was_refused(world)


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
def test_after_a_jump_of_a_day_the_next_run_makes_sessions_anew(world: TravellingWorld, jump: int) -> None:
    world.go_to(world.now() + 2 * DAY)
    before = exec_session(world)
    spent = world.device.last_step
    world.ahead += jump
    world.device.last_step = -1  # AWS has not been in the future; only what this computer wrote down has
    after = exec_session(world)
    assert after is not before
    assert abs(after.expiration - world.now() - HOUR) < MINUTE
    assert world.device.last_step != spent
    assert world.yubikey.calculations == count(world, "GetSessionToken") == 2
    assert exec_session(world) is after
    assert_nothing_was_refused(world)


@pytest.mark.parametrize("off", [DAY, -DAY], ids=["forward", "back"])
def test_while_the_computer_is_a_day_off_nothing_is_handed_out_and_when_it_is_right_nothing_is_lost(
    world: TravellingWorld, off: int
) -> None:
    session = exec_session(world)
    spent = world.device.last_step
    world.off = off
    done = world.run("exec", "dev-role", "--", "true")
    assert done.returncode == 125
    assert "this computer's clock is " in done.stderr
    world.off = 0
    assert exec_session(world) is session
    world.ahead += HOUR
    exec_session(world)
    assert count(world, "GetSessionToken") == 1
    assert world.device.last_step == spent


@pytest.mark.parametrize("off", [10 * MINUTE, -10 * MINUTE], ids=["fast", "slow"])
def test_a_clock_ten_minutes_off_works_and_is_told(world: TravellingWorld, off: int) -> None:
    world.off = off
    done = world.run("exec", "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID")
    assert done.returncode == 0, done.stderr
    assert "this computer's clock is " in done.stderr
    assert world.yubikey.calculations <= 2
    touches = world.yubikey.calculations
    world.ahead += 13 * HOUR
    exec_session(world)
    assert world.yubikey.calculations == touches + 1  # its offset is known by now
    assert_nothing_was_refused(world)


@pytest.mark.parametrize("off", [10 * MINUTE, -10 * MINUTE], ids=["fast", "slow"])
def test_sessions_end_by_the_clock_of_aws_also_where_the_computer_has_another(
    world: TravellingWorld, off: int
) -> None:
    world.off = off
    first = exec_session(world)
    world.go_to(first.expiration - 6 * MINUTE)
    assert exec_session(world) is first
    world.go_to(first.expiration - 5 * MINUTE + 2)  # a Date header has whole seconds
    assert exec_session(world) is not first
    assert count(world, "GetSessionToken") == 1


@pytest.mark.parametrize("off", [16 * MINUTE, -16 * MINUTE], ids=["fast", "slow"])
def test_a_clock_over_fifteen_minutes_off_is_an_error_that_says_by_how_much(
    world: TravellingWorld, off: int
) -> None:
    world.off = off
    done = world.run("exec", "dev-role", "--", "true")
    assert done.returncode == 125
    said = next(line for line in done.stderr.splitlines() if "error" in line)
    assert said.startswith("vaultpy: error: this computer's clock is 1")
    assert ("ahead of AWS's" if off > 0 else "behind AWS's") in said
    assert count(world, "GetSessionToken") == 0
