"""A table of plans: for each config and each sequence of runs, the STS calls and the touches that it costs.

The calls are counted where they arrive, at the simulated AWS, which refuses what the real one would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.aws import ACCOUNT
from support.broking import Desk, role
from vaultpy.plan import Options

if TYPE_CHECKING:
    from pathlib import Path

    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]

ONE, TWO, FAR, PLAIN = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("one", "two", "far", "plain"))
SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/alice"
LONG = Options(duration=7200)
CHAIN = role(ONE, "one") + role(FAR, "far", source="one")
TWO_ROLES = role(ONE, "one") + role(TWO, "two")
MFA, ASSUME = "GetSessionToken", "AssumeRole"


@pytest.fixture
def desk(tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice) -> Desk:
    """Return alice's computer; two roles want her MFA, one the first of them, one nothing."""
    account = aws.account(ACCOUNT)
    for name in ("one", "two"):
        account.role(name, requires_mfa=True, max_duration=43200)
    account.role("far", trusts=[ONE])
    account.role("plain")
    return Desk(tmp_path, aws, key, device)


@pytest.mark.parametrize(
    ("config", "runs", "calls", "touches"),
    [
        # One role, again and again: its credentials are fetched once.
        pytest.param(role(ONE, "one"), ["one"] * 3, [MFA, ASSUME], 1, id="one role, three runs"),
        # Another role of the same user: no second touch.
        pytest.param(TWO_ROLES, ["one", "two"], [MFA, ASSUME, ASSUME], 1, id="two roles"),
        pytest.param(TWO_ROLES, ["one", "dev", "two"], [MFA, ASSUME, ASSUME], 1, id="the user in between"),
        pytest.param("", ["dev", "dev"], [MFA], 1, id="no role"),
        # A chain shares all that it can with the roles on its way.
        pytest.param(CHAIN, ["far"], [MFA, ASSUME, ASSUME], 1, id="chain"),
        pytest.param(CHAIN, ["one", "far", "one"], [MFA, ASSUME, ASSUME], 1, id="chain after its first role"),
        # Over an hour: the code goes on the role itself, and each such role takes a touch.
        pytest.param(role(ONE, "one"), [("one", LONG)], [ASSUME], 1, id="two hours"),
        pytest.param(role(ONE, "one"), [("one", LONG), "one"], [ASSUME], 1, id="two hours serve for one"),
        pytest.param(
            role(ONE, "one"), ["one", ("one", LONG)], [MFA, ASSUME, ASSUME], 2, id="not the reverse"
        ),
        pytest.param(
            TWO_ROLES, [("one", LONG), ("two", LONG)], [ASSUME, ASSUME], 2, id="two hours of two roles"
        ),
        pytest.param(
            role(ONE, "one", more="duration_seconds = 7200\nvaultpy_mfa = shared"),
            ["one", "one"],
            [MFA, ASSUME],
            1,
            id="two hours, cut to the shared session's one",
        ),
        pytest.param(
            role(ONE, "one", more="vaultpy_mfa = direct"), ["one", "one"], [ASSUME], 1, id="direct by config"
        ),
        # What tells two sessions apart costs a call and no touch; what does not costs nothing.
        pytest.param(
            role(ONE, "one") + role(ONE, "other", more="role_session_name = bob"),
            ["one", "other"],
            [MFA, ASSUME, ASSUME],
            1,
            id="another session name",
        ),
        pytest.param(
            role(ONE, "one") + role(ONE, "same", more=f"region = eu-west-1\nmfa_serial = {SERIAL}"),
            ["one", "same"],
            [MFA, ASSUME],
            1,
            id="the same role under another profile",
        ),
        pytest.param(
            role(ONE, "one"),
            ["one", ("dev", Options(role="one")), ("dev", Options(role=TWO))],
            [MFA, ASSUME, ASSUME],
            1,
            id="roles without a profile",
        ),
        # A role that wants no MFA shares the session all the same, where the user has a device.
        pytest.param(role(PLAIN, "plain"), ["plain"], [MFA, ASSUME], 1, id="a role that wants no MFA"),
        # The serial is found wherever it stands, and is no part of what makes a session.
        pytest.param(
            role(ONE, "one", more=f"mfa_serial = {SERIAL}") + role(TWO, "two"),
            ["one", "two"],
            [MFA, ASSUME, ASSUME],
            1,
            id="a serial in one profile, the index's in the other",
        ),
        pytest.param(
            f"vaultpy_mfa_serials = {SERIAL}, arn:aws:iam::{ACCOUNT}:mfa/spare\n" + TWO_ROLES,
            ["one", "two"],
            [MFA, ASSUME, ASSUME],
            1,
            id="two MFA devices",
        ),
        pytest.param(
            "include_profile = team\n[profile team]\n"
            f"mfa_serial = {SERIAL}\nrole_session_name = shared\n" + TWO_ROLES,
            ["one", "two", "one"],
            [MFA, ASSUME, ASSUME],
            1,
            id="a config that a team shares",
        ),
        # Nothing is kept, nothing is used.
        pytest.param(
            TWO_ROLES,
            ["one", ("two", "no cache"), "one"],
            [MFA, ASSUME, MFA, ASSUME],
            2,
            id="without a cache",
        ),
    ],
)
def test_each_plan_costs_these_calls_and_touches(
    desk: Desk, config: str, runs: list[str | tuple[str, Options | str]], calls: list[str], touches: int
) -> None:
    for run in runs:
        name, asked = (run, Options()) if isinstance(run, str) else run
        options = asked if isinstance(asked, Options) else Options()
        desk.credentials(desk.plan(config, name, options), cache=asked != "no cache")
    assert desk.signed() == calls
    assert desk.events.count("touch") == touches


def test_a_chain_whose_middle_session_aws_no_longer_takes_costs_two_calls_and_no_touch(desk: Desk) -> None:
    first = desk.credentials(desk.plan(CHAIN, "one"))
    del desk.aws._cloud.sessions[first.access_key_id]
    desk.credentials(desk.plan(CHAIN, "far"))
    assert desk.signed() == [MFA, ASSUME, *[ASSUME] * 3]  # the refused one, then both anew
    assert desk.events.count("touch") == 1


def test_a_role_whose_user_has_no_device_rides_on_a_session_that_is_there(desk: Desk) -> None:
    desk.credentials(desk.plan("", "dev"))
    desk.enrol(mfa_serials=())
    desk.credentials(desk.plan(role(ONE, "one"), "one"))
    assert desk.signed() == [MFA, ASSUME]
    assert desk.events.count("touch") == 1
