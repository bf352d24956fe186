"""The simulated MFA devices: which code counts, when, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.aws import Clock, client, refusal
from vaultpy.simulated.aws_mfa import totp

if TYPE_CHECKING:
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]

WRONG_CODE = (
    403,
    "AccessDenied",
    "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
)
WRONG_DEVICE = (
    403,
    "AccessDenied",
    (
        "MultiFactorAuthentication failed, unable to validate MFA code.  "
        "Please verify your MFA serial number is valid and associated with this user."
    ),
)
HALF_GIVEN = (
    403,
    "AccessDenied",
    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
)


@pytest.fixture
def aws_clock() -> Clock:
    """Return a clock at the beginning of a time step."""
    return Clock(1_800_000_000)


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238_appendix_b(time: int, code: str) -> None:
    assert totp(b"12345678901234567890", time // 30) == code


@pytest.mark.parametrize("seconds", [-30, 0, 29, 30])
def test_a_code_of_the_step_before_now_or_after_is_accepted(
    aws: SimulatedAws, key: AccessKey, device: MfaDevice, seconds: int
) -> None:
    code = device.code(aws.clock() + seconds)
    reply = client(aws, key).get_session_token(SerialNumber=device.serial, TokenCode=code)
    assert aws.session(reply["Credentials"]["AccessKeyId"]).mfa_at == aws.clock()


@pytest.mark.parametrize("seconds", [-60, -31, 60])
def test_a_code_further_away_is_wrong(
    aws: SimulatedAws, key: AccessKey, device: MfaDevice, seconds: int
) -> None:
    code = device.code(aws.clock() + seconds)
    sts = client(aws, key)
    assert refusal(sts.get_session_token, SerialNumber=device.serial, TokenCode=code) == WRONG_CODE


def test_a_code_works_once_for_all_actions_and_clients(
    aws: SimulatedAws, aws_clock: Clock, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    role = alice.account.role("dev")
    with_code = {"SerialNumber": device.serial, "TokenCode": device.code(aws_clock())}
    client(aws, key).get_session_token(**with_code)
    sts = client(aws, alice.access_key())
    assert refusal(sts.get_session_token, **with_code) == WRONG_CODE
    assert refusal(sts.assume_role, RoleArn=role.arn, RoleSessionName="alice", **with_code) == WRONG_CODE
    aws_clock.advance(30)
    assert refusal(sts.get_session_token, **with_code) == WRONG_CODE
    sts.get_session_token(SerialNumber=device.serial, TokenCode=device.code(aws_clock()))


def test_a_code_older_than_the_last_one_used_is_refused(
    aws: SimulatedAws, aws_clock: Clock, key: AccessKey, device: MfaDevice
) -> None:
    sts = client(aws, key)
    sts.get_session_token(SerialNumber=device.serial, TokenCode=device.code(aws_clock()))
    older = device.code(aws_clock() - 30)
    assert refusal(sts.get_session_token, SerialNumber=device.serial, TokenCode=older) == WRONG_CODE


def test_a_refused_role_spends_its_code(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    with_code = {"SerialNumber": device.serial, "TokenCode": device.code(aws.clock())}
    sts = client(aws, key)
    missing = alice.account.arn("role/missing")
    _, _, message = refusal(sts.assume_role, RoleArn=missing, RoleSessionName="alice", **with_code)
    assert "not authorized" in message
    assert refusal(sts.get_session_token, **with_code) == WRONG_CODE


def test_each_device_counts_for_itself(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    sts = client(aws, key)
    for each in (device, alice.mfa_device("second"), alice.mfa_device(serial="GAHT12345678")):
        sts.get_session_token(SerialNumber=each.serial, TokenCode=each.code(aws.clock()))


def test_a_serial_must_be_a_working_device_of_the_caller_s_own(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    bob = alice.account.user("bob").mfa_device()
    fido = alice.fido_device("laptop")
    device.out_of_sync = True
    sts = client(aws, key)
    for serial in (bob.serial, fido.serial, device.serial, "arn:aws:iam::123456789012:mfa/nobody"):
        code = bob.code(aws.clock()) if serial == bob.serial else device.code(aws.clock())
        assert refusal(sts.get_session_token, SerialNumber=serial, TokenCode=code) == WRONG_DEVICE


def test_a_role_has_no_mfa_device(aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice) -> None:
    role = alice.account.role("dev")
    session = client(aws, key).assume_role(RoleArn=role.arn, RoleSessionName="alice")["Credentials"]
    asked = {"RoleArn": role.arn, "RoleSessionName": "alice"}
    code = {"SerialNumber": device.serial, "TokenCode": device.code(aws.clock())}
    assert refusal(client(aws, session).assume_role, **asked, **code) == WRONG_DEVICE


def test_serial_and_code_come_together_or_not_at_all(
    aws: SimulatedAws, key: AccessKey, device: MfaDevice
) -> None:
    sts = client(aws, key)
    assert refusal(sts.get_session_token, SerialNumber=device.serial) == HALF_GIVEN
    assert refusal(sts.get_session_token, TokenCode=device.code(aws.clock())) == HALF_GIVEN


def test_serials_are_made_of_partition_account_path_and_name(aws: SimulatedAws) -> None:
    account = aws.account("222222222222", "aws-cn")
    assert account.user("alice").mfa_device().serial == "arn:aws-cn:iam::222222222222:mfa/alice"
    named = account.users["alice"].mfa_device("key", path="/team/")
    assert named.serial == "arn:aws-cn:iam::222222222222:mfa/team/key"
    assert account.root.mfa_device().serial == "arn:aws-cn:iam::222222222222:mfa/root-account-mfa-device"
