"""The simulated IAM's access keys: made, switched off and deleted, by whom, and when AWS knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.aws import assert_fits, client, refusal
from vaultpy.simulated.aws_faults import Fault

if TYPE_CHECKING:
    from support.aws import Clock
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]

INVALID_TOKEN = (403, "InvalidClientTokenId", "The security token included in the request is invalid")
USER_NAME_MISSING = (400, "ValidationError", "Must specify userName when calling with non-User credentials")
UNKNOWN_KEY = "AKIAABCDEFGHIJKLMNOP"


def calls(iam: Any, key_id: str) -> dict[str, tuple[Any, dict[str, str]]]:  # noqa: ANN401  # a client
    return {
        "CreateAccessKey": (iam.create_access_key, {}),
        "UpdateAccessKey": (iam.update_access_key, {"AccessKeyId": key_id, "Status": "Inactive"}),
        "DeleteAccessKey": (iam.delete_access_key, {"AccessKeyId": key_id}),
        "ListAccessKeys": (iam.list_access_keys, {}),
        "GetAccessKeyLastUsed": (iam.get_access_key_last_used, {"AccessKeyId": key_id}),
    }


ACTIONS = (
    "CreateAccessKey",
    "UpdateAccessKey",
    "DeleteAccessKey",
    "ListAccessKeys",
    "GetAccessKeyLastUsed",
)
OF_A_USER = ACTIONS[:4]


def mfa_session(aws: SimulatedAws, key: AccessKey, device: MfaDevice) -> Any:  # noqa: ANN401  # a reply of boto3
    code = device.code(aws.clock())
    return client(aws, key).get_session_token(SerialNumber=device.serial, TokenCode=code)["Credentials"]


@pytest.mark.parametrize("action", ACTIONS)
def test_every_reply_is_what_the_api_model_of_iam_describes(
    aws: SimulatedAws, alice: User, key: AccessKey, action: str
) -> None:
    iam = client(aws, key, "iam")
    call, parameters = calls(iam, alice.access_key().id if action != "CreateAccessKey" else key.id)[action]
    reply = call(**parameters)
    shape = iam.meta.service_model.operation_model(action).output_shape
    if shape is None:
        assert set(reply) == {"ResponseMetadata"}
    else:
        assert_fits(reply, shape)


def test_a_new_key_works_at_once_unless_aws_takes_its_time(
    aws: SimulatedAws, aws_clock: Clock, alice: User, key: AccessKey
) -> None:
    made = client(aws, key, "iam").create_access_key()["AccessKey"]
    assert (made["UserName"], made["Status"]) == ("alice", "Active")
    client(aws, alice.access_keys[made["AccessKeyId"]]).get_caller_identity()

    del alice.access_keys[made["AccessKeyId"]]
    aws.habits.key_propagation = 10
    new = alice.access_keys[client(aws, key, "iam").create_access_key()["AccessKey"]["AccessKeyId"]]
    aws_clock.advance(9)
    assert refusal(client(aws, new).get_caller_identity) == INVALID_TOKEN
    assert refusal(client(aws, new, "iam").list_access_keys) == INVALID_TOKEN
    aws_clock.advance(1)
    client(aws, new).get_caller_identity()
    client(aws, new, "iam").list_access_keys()


def test_a_user_has_two_keys_at_most(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    alice.access_key().active = False
    expected = (409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
    assert refusal(client(aws, key, "iam").create_access_key) == expected


def test_an_inactive_key_signs_nothing_until_it_is_active_again(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    other, iam = alice.access_key(), client(aws, key, "iam")
    iam.update_access_key(AccessKeyId=other.id, Status="Inactive")
    assert refusal(client(aws, other).get_caller_identity) == INVALID_TOKEN
    iam.update_access_key(AccessKeyId=other.id, Status="Active")
    client(aws, other).get_caller_identity()


def test_a_deleted_key_is_gone(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    other, iam = alice.access_key(), client(aws, key, "iam")
    iam.delete_access_key(AccessKeyId=other.id)
    assert refusal(client(aws, other).get_caller_identity) == INVALID_TOKEN
    expected = (404, "NoSuchEntity", f"The Access Key with id {other.id} cannot be found.")
    assert refusal(iam.delete_access_key, AccessKeyId=other.id) == expected
    assert refusal(iam.update_access_key, AccessKeyId=other.id, Status="Active") == expected


def test_a_key_of_another_user_s_is_not_found(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    other = alice.account.user("bob").access_key()
    iam = client(aws, key, "iam")
    assert refusal(iam.delete_access_key, AccessKeyId=other.id)[1] == "NoSuchEntity"
    iam.delete_access_key(AccessKeyId=other.id, UserName="bob")
    assert refusal(iam.create_access_key, UserName="nobody")[1] == "NoSuchEntity"


def test_a_state_that_does_not_exist_is_refused(aws: SimulatedAws, key: AccessKey) -> None:
    iam = client(aws, key, "iam")
    _, code, text = refusal(iam.update_access_key, AccessKeyId=key.id, Status="inactive")
    assert code == "ValidationError"
    assert text.endswith(
        "at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]"
    )
    assert "Value null at 'status'" in refusal(iam.update_access_key, AccessKeyId=key.id)[2]


def test_an_mfa_session_changes_keys_and_names_the_user_where_it_must(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    alice.denied_without_mfa |= {f"iam:{action}" for action in ACTIONS}
    old = alice.access_key()
    assert refusal(client(aws, key, "iam").delete_access_key, AccessKeyId=old.id)[1] == "AccessDenied"
    iam = client(aws, mfa_session(aws, key, device), "iam")
    change = {"AccessKeyId": old.id, "Status": "Inactive"}
    assert refusal(iam.update_access_key, **change) == USER_NAME_MISSING
    assert refusal(iam.list_access_keys) == USER_NAME_MISSING
    iam.update_access_key(UserName="alice", **change)
    iam.delete_access_key(AccessKeyId=old.id)
    assert iam.create_access_key()["AccessKey"]["UserName"] == "alice"


@pytest.mark.parametrize("action", ACTIONS)
def test_a_session_without_mfa_calls_nothing(aws: SimulatedAws, key: AccessKey, action: str) -> None:
    session = client(aws, key).get_session_token()["Credentials"]
    call, parameters = calls(client(aws, session, "iam"), key.id)[action]
    assert refusal(call, **parameters) == INVALID_TOKEN


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_can_be_denied(aws: SimulatedAws, alice: User, key: AccessKey, action: str) -> None:
    alice.denied.add(f"iam:{action}")
    call, parameters = calls(client(aws, key, "iam"), key.id)[action]
    status, code, text = refusal(call, **parameters)
    assert (status, code) == (403, "AccessDenied")
    assert text.startswith(f"User: {alice.arn} is not authorized to perform: iam:{action} on resource: ")
    assert alice.access_keys == {key.id: key}
    assert key.active


@pytest.mark.parametrize("action", OF_A_USER)
def test_a_role_names_the_user(aws: SimulatedAws, alice: User, key: AccessKey, action: str) -> None:
    role = alice.account.role("admin")
    session = client(aws, key).assume_role(RoleArn=role.arn, RoleSessionName="alice")["Credentials"]
    call, parameters = calls(client(aws, session, "iam"), key.id)[action]
    assert refusal(call, **parameters) == USER_NAME_MISSING
    call(UserName="alice", **parameters)


@pytest.mark.parametrize("change", ["Inactive", "deleted"])
def test_whether_a_session_outlives_its_key_is_a_habit(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice, change: str
) -> None:
    session = mfa_session(aws, key, device)
    iam = client(aws, alice.access_key(), "iam")
    if change == "deleted":
        iam.delete_access_key(AccessKeyId=key.id)
    else:
        iam.update_access_key(AccessKeyId=key.id, Status=change)
    assert refusal(client(aws, session).get_caller_identity) == INVALID_TOKEN
    aws.habits.sessions_outlive_keys = True
    client(aws, session).get_caller_identity()
    client(aws, session, "iam").list_access_keys(UserName="alice")


def test_a_key_s_last_use_tells_when_and_where(
    aws: SimulatedAws, aws_clock: Clock, alice: User, key: AccessKey
) -> None:
    other, iam = alice.access_key(), client(aws, key, "iam")
    never = iam.get_access_key_last_used(AccessKeyId=other.id)["AccessKeyLastUsed"]
    assert never == {"ServiceName": "N/A", "Region": "N/A"}
    client(aws, other, region="eu-west-1").get_caller_identity()
    aws_clock.advance(100)
    reply = iam.get_access_key_last_used(AccessKeyId=other.id)
    used = reply["AccessKeyLastUsed"]
    assert reply["UserName"] == "alice"
    assert (used["ServiceName"], used["Region"]) == ("sts", "eu-west-1")
    assert used["LastUsedDate"].timestamp() == aws_clock.now - 100


def test_the_last_use_of_a_strangers_key_is_not_told(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    stranger = aws.account("999999999999").user("eve").access_key().id
    for key_id in (stranger, UNKNOWN_KEY):
        _, code, text = refusal(client(aws, key, "iam").get_access_key_last_used, AccessKeyId=key_id)
        assert code == "AccessDenied"
        assert text.startswith(f"User: {alice.arn} is not authorized to perform: iam:GetAccessKeyLastUsed")


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.HANG])
def test_a_fault_strikes_before_the_key_is_made_or_after(
    aws: SimulatedAws, alice: User, key: AccessKey, fault: Fault
) -> None:
    iam = client(aws, key, "iam")
    aws.fail_next("CreateAccessKey", fault)
    with pytest.raises(Exception):  # noqa: B017, PT011  # each fault has an exception of its own
        iam.create_access_key()
    assert len(alice.access_keys) == (1 if fault.strikes_first else 2)


def test_the_nth_call_can_fail_whatever_it_is(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    iam = client(aws, key, "iam")
    iam.list_access_keys()
    aws.fail_nth(2, Fault.SERVICE_UNAVAILABLE)
    made = iam.create_access_key()["AccessKey"]["AccessKeyId"]
    answer = refusal(iam.update_access_key, AccessKeyId=made, Status="Inactive")
    assert answer[:2] == (503, "ServiceUnavailable")
    assert alice.access_keys[made].active
    iam.update_access_key(AccessKeyId=made, Status="Inactive")
    assert not alice.access_keys[made].active
