"""Credentials for many profiles: one touch a user, and no call more than is needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest

from support.aws import ACCOUNT
from support.broking import Desk, role
from vaultpy import errors
from vaultpy.config import Config
from vaultpy.credentials import DayKey
from vaultpy.each_credentials import RoleCredentials, users_asked
from vaultpy.fanout import Pace
from vaultpy.plan import Options, make_plan
from vaultpy.signing_account import aws_date
from vaultpy.simulated.aws_faults import Fault
from vaultpy.sts import Sts
from vaultpy.values import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from vaultpy.broker import Broker
    from vaultpy.credentials import Signs
    from vaultpy.plan import Plan
    from vaultpy.signing_account import Signing
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_accounts import Role
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]


@pytest.fixture
def desk(tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice) -> Desk:
    return Desk(tmp_path, aws, key, device)


class Run:
    """A run at the desk, as `RoleCredentials` knows it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.sessions, self.ledger = desk.sessions, desk.ledger
        self.clients = 0

    def confirm_endpoint(self, plan: Plan) -> None:
        """Ask."""
        self._desk._confirm(plan.endpoint_url)

    def access_key(self, plan: Plan, signing: Signing) -> Signs:
        """Take the key out of the keystore."""
        assert signing.yubikey is None
        return self._desk._access_key(plan)

    def broker(self, plan: Plan, *, code: str | None, yubikey: str | None) -> Broker:
        """Return the desk's."""
        assert code is yubikey is None
        return self._desk.broker(plan)

    def sts(self, plan: Plan) -> Sts:
        """Return a client, and count it."""
        self.clients += 1
        return Sts(plan.region, plan.endpoint_url, {}, self._desk.clock)


def roles_of(desk: Desk, count: int) -> list[Role]:
    return [desk.aws.account(ACCOUNT).role(f"r{number}", requires_mfa=True) for number in range(count)]


def plans(desk: Desk, config: str, *names: str) -> list[Plan]:
    desk.plan(config, names[0])
    environ = desk.environ | {"AWS_ENDPOINT_URL": desk.aws.url}
    loaded = Config.load(environ)
    return [make_plan(loaded, desk.index, name, Options(shared=True), environ) for name in names]


def credentials_of(run: Run, desk: Desk) -> RoleCredentials:
    pace = Pace(clock=desk.clock, pause=desk.clock.advance, chance=lambda: 0.0)
    return RoleCredentials(run, pace, code=None, yubikey=None, asking=lambda work: work())


def test_many_roles_cost_one_touch_one_client_and_a_call_each(desk: Desk) -> None:
    roles = roles_of(desk, 20)
    config = "".join(role(one.arn, f"p{number}") for number, one in enumerate(roles))
    wanted = plans(desk, config, *(f"p{number}" for number in range(20)))
    run = Run(desk)
    found = credentials_of(run, desk)
    found.prepare(wanted, keep_going=False)
    assert desk.events.count("touch") == 1
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(found.credentials, wanted))
    assert len({one.access_key_id for one in made}) == 20
    assert desk.signed() == ["GetSessionToken", *["AssumeRole"] * 20]
    assert desk.events.count("touch") == 1
    assert run.clients == 1


def test_only_the_mfa_session_is_kept(desk: Desk) -> None:
    (one,) = roles_of(desk, 1)
    (plan,) = plans(desk, role(one.arn), "role")
    credentials_of(Run(desk), desk).credentials(plan)
    assert [entry.label for entry in desk.index.sessions()] == ["mfa"]
    credentials_of(Run(desk), desk).credentials(plan)
    assert desk.signed() == ["GetSessionToken", "AssumeRole", "AssumeRole"]


def test_a_role_on_the_way_to_others_is_assumed_once(desk: Desk) -> None:
    (hub,) = roles_of(desk, 1)
    account = desk.aws.account(ACCOUNT)
    ends = [account.role(f"end{number}") for number in range(4)]
    config = role(hub.arn, "hub")
    config += "".join(role(end.arn, f"e{number}", "hub") for number, end in enumerate(ends))
    wanted = plans(desk, config, "e0", "e1", "e2", "e3", "hub")
    found = credentials_of(Run(desk), desk)
    found.prepare(wanted, keep_going=False)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(found.credentials, wanted))
    assumed = [call.parameters["RoleArn"] for call in desk.aws.calls if call.action == "AssumeRole"]
    assert assumed.count(hub.arn) == 2  # on the way, and for the profile that is it
    assert sorted(assumed) == sorted([hub.arn, hub.arn, *(end.arn for end in ends)])


def test_a_session_that_aws_no_longer_takes_is_made_anew_once_for_all(desk: Desk) -> None:
    roles = roles_of(desk, 4)
    config = "".join(role(one.arn, f"p{number}") for number, one in enumerate(roles))
    wanted = plans(desk, config, "p0", "p1", "p2", "p3")
    credentials_of(Run(desk), desk).prepare(wanted, keep_going=False)
    desk.aws._cloud.sessions.clear()
    desk.clock.advance(60)
    desk.aws_clock.advance(60)
    found = credentials_of(Run(desk), desk)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(found.credentials, wanted))
    assert desk.signed().count("GetSessionToken") == 2
    desk.aws._cloud.sessions.clear()
    with pytest.raises(errors.SessionRefused):
        found.credentials(wanted[0])


def test_a_session_that_ends_during_a_long_run_is_made_anew(desk: Desk) -> None:
    (one,) = roles_of(desk, 1)
    (plan,) = plans(desk, role(one.arn), "role")
    found = credentials_of(Run(desk), desk)
    found.credentials(plan)
    for clock in (desk.clock, desk.aws_clock):
        clock.advance(12 * 3600 - 30)
    found._sts.clear()  # boto3 signs by the real clock
    with pytest.raises(errors.VaultpyError):
        found.credentials(plan)
    assert desk.events.count("touch") >= 2


def test_a_role_without_mfa_is_signed_for_by_the_key_or_rides_on_a_session(desk: Desk) -> None:
    desk.enrol(())
    one = desk.aws.account(ACCOUNT).role("open")
    (plan,) = plans(desk, role(one.arn), "role")
    credentials_of(Run(desk), desk).credentials(plan)
    assert [call.access_key_id for call in desk.aws.calls] == [desk.key.id]
    desk.enrol()
    (user,) = plans(desk, role(one.arn), "dev")
    desk.credentials(user)
    desk.enrol(())
    credentials_of(Run(desk), desk).credentials(plan)
    assert desk.signed() == ["AssumeRole", "GetSessionToken", "AssumeRole"]
    assert desk.aws.calls[-1].access_key_id != desk.key.id


def test_a_day_key_is_asked_for_anew_when_its_day_is_over(desk: Desk) -> None:
    desk.enrol(())
    (plan,) = plans(desk, role(desk.aws.account(ACCOUNT).role("open").arn), "role")
    desk.signer = cast("Any", DayKey(desk.key.id, aws_date(desk.clock()), Secret("00" * 32)))
    found = credentials_of(Run(desk), desk)
    assert found._signer(plan) == found._signer(plan)
    assert desk.events.count("keystore") == 1
    desk.clock.advance(24 * 3600)
    found._signer(plan)
    assert desk.events.count("keystore") == 2


def test_a_user_without_a_role_gets_the_mfa_session(desk: Desk) -> None:
    (plan,) = plans(desk, "", "dev")
    credentials_of(Run(desk), desk).credentials(plan)
    assert desk.signed() == ["GetSessionToken"]


def test_what_keeps_a_user_from_signing_is_told_before_anything_runs_or_kept_for_its_profiles(
    desk: Desk,
) -> None:
    (one,) = roles_of(desk, 1)
    (plan,) = plans(desk, role(one.arn), "role")
    desk.keystore_failure = errors.KeystoreLocked()
    with pytest.raises(errors.KeystoreLocked):
        credentials_of(Run(desk), desk).prepare([plan], keep_going=False)
    found = credentials_of(Run(desk), desk)
    found.prepare([plan], keep_going=True)
    for _ in range(2):
        with pytest.raises(errors.KeystoreLocked):
            found.credentials(plan)
    assert desk.events.count("keystore") == 2


def test_an_endpoint_is_confirmed_also_with_a_session_at_hand(desk: Desk) -> None:
    (one,) = roles_of(desk, 1)
    (plan,) = plans(desk, role(one.arn), "role")
    desk.credentials(plan)

    def refuse(_url: str | None) -> None:
        raise errors.EndpointUnconfirmed(host="elsewhere")

    desk.confirm = refuse
    with pytest.raises(errors.EndpointUnconfirmed):
        credentials_of(Run(desk), desk).prepare([plan], keep_going=False)


def test_a_throttled_role_is_got_all_the_same(desk: Desk) -> None:
    (one,) = roles_of(desk, 1)
    (plan,) = plans(desk, role(one.arn), "role")
    found = credentials_of(Run(desk), desk)
    found.prepare([plan], keep_going=False)
    desk.aws.fail_role(one.arn, Fault.THROTTLING, 3)
    found.credentials(plan)
    assert desk.signed() == ["GetSessionToken", *["AssumeRole"] * 4]


def test_those_who_are_asked_are_named_once(desk: Desk) -> None:
    (one,) = roles_of(desk, 1)
    assert users_asked(plans(desk, role(one.arn), "role", "dev")) == ["dev"]
