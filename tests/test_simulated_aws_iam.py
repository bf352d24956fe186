"""The simulated IAM: what it lists, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.aws import assert_fits, client, refusal

if TYPE_CHECKING:
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]

INVALID_TOKEN = (403, "InvalidClientTokenId", "The security token included in the request is invalid")
USER_NAME_MISSING = (400, "ValidationError", "Must specify userName when calling with non-User credentials")
ACTIONS = ("get_user", "list_access_keys", "list_mfa_devices")


@pytest.mark.parametrize("action", ACTIONS)
def test_every_reply_is_what_the_api_model_of_iam_describes(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice, action: str
) -> None:
    alice.fido_device("laptop")
    iam = client(aws, key, "iam")
    reply = getattr(iam, action)()
    operation = iam.meta.service_model.operation_model(iam.meta.method_to_api_mapping[action])
    assert_fits(reply, operation.output_shape)
    assert device.serial not in str(reply) or action == "list_mfa_devices"


def test_a_user_s_devices_are_listed_with_the_fido_ones(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    fido = alice.fido_device("laptop")
    listed = client(aws, key, "iam").list_mfa_devices()["MFADevices"]
    assert [each["SerialNumber"] for each in listed] == [device.serial, fido.serial]
    assert ":u2f/" in fido.serial


def test_a_user_s_keys_are_listed_with_their_state(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    old = alice.access_key()
    old.active = False
    listed = client(aws, key, "iam").list_access_keys()["AccessKeyMetadata"]
    assert {each["AccessKeyId"]: each["Status"] for each in listed} == {key.id: "Active", old.id: "Inactive"}


def test_a_long_list_comes_in_pages(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    serials = [alice.mfa_device(f"device-{number}").serial for number in range(5)]
    pages = (
        client(aws, key, "iam").get_paginator("list_mfa_devices").paginate(PaginationConfig={"PageSize": 2})
    )
    listed = [[each["SerialNumber"] for each in page["MFADevices"]] for page in pages]
    assert listed == [serials[:2], serials[2:4], serials[4:]]


def test_another_user_can_be_named(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    bob = alice.account.user("bob", path="/team/")
    iam = client(aws, key, "iam")
    assert iam.get_user(UserName="bob")["User"]["Arn"] == bob.arn == alice.account.arn("user/team/bob")
    expected = (404, "NoSuchEntity", "The user with name nobody cannot be found.")
    assert refusal(iam.get_user, UserName="nobody") == expected


@pytest.mark.parametrize("action", ACTIONS)
def test_a_session_without_mfa_calls_no_iam(aws: SimulatedAws, key: AccessKey, action: str) -> None:
    session = client(aws, key).get_session_token()["Credentials"]
    assert refusal(getattr(client(aws, session, "iam"), action)) == INVALID_TOKEN


def test_a_federated_user_calls_no_iam(aws: SimulatedAws, key: AccessKey) -> None:
    session = client(aws, key).get_federation_token(Name="bob")["Credentials"]
    assert refusal(client(aws, session, "iam").get_user, UserName="alice") == INVALID_TOKEN


def test_a_session_with_mfa_calls_iam_and_names_the_user_where_keys_are_meant(
    aws: SimulatedAws, key: AccessKey, device: MfaDevice
) -> None:
    code = device.code(aws.clock())
    session = client(aws, key).get_session_token(SerialNumber=device.serial, TokenCode=code)["Credentials"]
    iam = client(aws, session, "iam")
    assert iam.list_mfa_devices()["MFADevices"]
    assert refusal(iam.list_access_keys) == USER_NAME_MISSING
    assert iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]


def test_a_role_is_no_user(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    role = alice.account.role("dev")
    session = client(aws, key).assume_role(RoleArn=role.arn, RoleSessionName="alice")["Credentials"]
    iam = client(aws, session, "iam")
    for action in ACTIONS:
        assert refusal(getattr(iam, action)) == USER_NAME_MISSING
    assert iam.get_user(UserName="alice")["User"]["UserName"] == "alice"


def test_a_user_may_be_denied_an_action(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    alice.denied_without_mfa.add("iam:ListMFADevices")
    status, code, message = refusal(client(aws, key, "iam").list_mfa_devices)
    assert (status, code) == (403, "AccessDenied")
    assert message.startswith(f"User: {alice.arn} is not authorized to perform: iam:ListMFADevices")
    mfa = {"SerialNumber": device.serial, "TokenCode": device.code(aws.clock())}
    session = client(aws, key).get_session_token(**mfa)["Credentials"]
    client(aws, session, "iam").list_mfa_devices()
    alice.denied.add("iam:ListMFADevices")
    assert refusal(client(aws, session, "iam").list_mfa_devices)[1] == "AccessDenied"


def test_an_action_that_is_not_simulated_is_refused(aws: SimulatedAws, key: AccessKey) -> None:
    expected = (400, "InvalidAction", "Could not find operation ListUsers for version 2010-05-08")
    assert refusal(client(aws, key, "iam").list_users) == expected
