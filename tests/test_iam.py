"""IAM: the MFA devices of a user, as far as they can make codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vaultpy import errors
from vaultpy.credentials import AccessKey
from vaultpy.iam import Iam
from vaultpy.values import Secret

if TYPE_CHECKING:
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_accounts import User

pytest_plugins = ["support.aws_fixtures"]


def serials(aws: SimulatedAws, key: AwsAccessKey, name: str = "alice") -> tuple[str, ...]:
    return Iam("eu-central-1", aws.url, {}).mfa_serials(AccessKey(key.id, Secret(key.secret)), name)


def test_a_user_without_a_device_has_none(aws: SimulatedAws, key: AwsAccessKey) -> None:
    assert serials(aws, key) == ()


def test_virtual_and_hardware_devices_are_listed_and_security_keys_left_out(
    aws: SimulatedAws, key: AwsAccessKey, alice: User
) -> None:
    virtual = alice.mfa_device("phone", path="/team/")
    alice.fido_device("blue")
    hardware = alice.mfa_device(serial="GAHT12345678")

    assert set(serials(aws, key)) == {virtual.serial, hardware.serial}
    assert [call.action for call in aws.calls] == ["ListMFADevices"]


def test_a_user_who_may_not_ask_is_told_aws_s_reason(
    aws: SimulatedAws, key: AwsAccessKey, alice: User
) -> None:
    alice.denied.add("iam:ListMFADevices")
    with pytest.raises(errors.AwsRefused, match="not authorized to perform: iam:ListMFADevices"):
        serials(aws, key)


def test_an_inactive_key_is_told(aws: SimulatedAws, key: AwsAccessKey) -> None:
    key.active = False
    with pytest.raises(errors.AccessKeyRefused, match=key.id):
        serials(aws, key)
