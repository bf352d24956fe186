"""The simulated STS: who gets which credentials, for how long, and what is said to the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.aws import ACCOUNT, assert_fits, client, refusal
from vaultpy.simulated.aws import SimulatedAws

if TYPE_CHECKING:
    from support.aws import Clock
    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]

HOUR = 3600
INVALID_TOKEN = (403, "InvalidClientTokenId", "The security token included in the request is invalid")
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


def denied(caller: str, role: str, action: str = "sts:AssumeRole") -> tuple[int, str, str]:
    text = f"User: {caller} is not authorized to perform: {action} on resource: {role}"
    return 403, "AccessDenied", text


def with_code(device: MfaDevice, at: float) -> dict[str, str]:
    return {"SerialNumber": device.serial, "TokenCode": device.code(at)}


def assume(sts: Any, role: str, **parameters: object) -> Any:  # noqa: ANN401  # a reply of boto3
    return sts.assume_role(RoleArn=role, RoleSessionName="alice", **parameters)


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("get_caller_identity", {}),
        ("get_session_token", {"DurationSeconds": 900}),
        (
            "get_federation_token",
            {"Name": "bob", "Policy": POLICY, "Tags": [{"Key": "team", "Value": "blå = 1/2"}]},
        ),
        (
            "assume_role",
            {
                "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/dev",
                "RoleSessionName": "alice",
                "Policy": POLICY,
                "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
                "Tags": [{"Key": "team", "Value": "blue"}],
                "TransitiveTagKeys": ["team"],
                "SourceIdentity": "alice",
            },
        ),
    ],
)
def test_every_reply_is_what_the_api_model_of_sts_describes(
    aws: SimulatedAws, alice: User, key: AccessKey, action: str, parameters: dict[str, object]
) -> None:
    alice.account.role("dev")
    sts = client(aws, key)
    reply = getattr(sts, action)(**parameters)
    operation = sts.meta.service_model.operation_model(sts.meta.method_to_api_mapping[action])
    assert_fits(reply, operation.output_shape)
    assert not {"Credentials", "Arn"}.isdisjoint(reply)


def test_each_kind_of_caller_has_its_own_arn(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    role = alice.account.role("dev", path="/team/")
    sts = client(aws, key)
    signers = {
        f"arn:aws:iam::{ACCOUNT}:root": alice.account.root.access_key(),
        f"arn:aws:iam::{ACCOUNT}:user/alice": sts.get_session_token()["Credentials"],
        f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/alice": assume(sts, role.arn)["Credentials"],
        f"arn:aws:sts::{ACCOUNT}:federated-user/bob": sts.get_federation_token(Name="bob")["Credentials"],
    }
    for arn, signer in signers.items():
        assert client(aws, signer).get_caller_identity()["Arn"] == arn


def test_credentials_look_like_aws_s_own(aws: SimulatedAws, key: AccessKey) -> None:
    credentials = client(aws, key).get_session_token()["Credentials"]
    assert key.id.startswith("AKIA")
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert len(credentials["AccessKeyId"]) == len(key.id) == 20
    assert len(credentials["SecretAccessKey"]) == len(key.secret) == 40
    assert len(credentials["SessionToken"]) == 1024


def test_a_token_may_be_as_long_as_a_test_wants(aws_clock: Clock) -> None:
    with SimulatedAws(aws_clock, token_size=6000) as aws:
        role = aws.account(ACCOUNT).role("dev")
        sts = client(aws, aws.account(ACCOUNT).user("alice").access_key())
        credentials = assume(sts, role.arn)["Credentials"]
        assert len(credentials["SessionToken"]) == 6000
        assert client(aws, credentials).get_caller_identity()["Account"] == ACCOUNT


@pytest.mark.parametrize(("asked", "given"), [({}, 12 * HOUR), ({"DurationSeconds": 900}, 900)])
def test_a_session_lasts_as_long_as_asked_else_twelve_hours(
    aws: SimulatedAws, aws_clock: Clock, key: AccessKey, asked: dict[str, int], given: int
) -> None:
    credentials = client(aws, key).get_session_token(**asked)["Credentials"]
    assert credentials["Expiration"].timestamp() == int(aws_clock.now) + given


def test_root_gets_one_hour_whatever_it_asks(aws: SimulatedAws, aws_clock: Clock) -> None:
    sts = client(aws, aws.account(ACCOUNT).root.access_key())
    for asked in ({}, {"DurationSeconds": 36 * HOUR}):
        expiration = sts.get_session_token(**asked)["Credentials"]["Expiration"]
        assert expiration.timestamp() == int(aws_clock.now) + HOUR


def test_an_expired_session_is_refused(aws: SimulatedAws, aws_clock: Clock, key: AccessKey) -> None:
    sts = client(aws, client(aws, key).get_session_token(DurationSeconds=900)["Credentials"])
    aws_clock.advance(899)
    sts.get_caller_identity()
    aws_clock.advance(1)
    expected = (403, "ExpiredToken", "The security token included in the request is expired")
    assert refusal(sts.get_caller_identity) == expected


@pytest.mark.parametrize("action", ["GetSessionToken", "GetFederationToken"])
def test_a_session_makes_no_session(aws: SimulatedAws, key: AccessKey, action: str) -> None:
    sts = client(aws, client(aws, key).get_session_token()["Credentials"])
    call = {"GetSessionToken": sts.get_session_token, "GetFederationToken": sts.get_federation_token}[action]
    expected = (403, "AccessDenied", f"Cannot call {action} with session credentials")
    assert refusal(call, **({"Name": "bob"} if action == "GetFederationToken" else {})) == expected


def test_a_session_ends_with_the_access_key_that_made_it(aws: SimulatedAws, key: AccessKey) -> None:
    sts = client(aws, client(aws, key).get_session_token()["Credentials"])
    key.active = False
    assert refusal(sts.get_caller_identity) == INVALID_TOKEN


def test_a_role_is_refused_without_a_word_about_the_reason(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    account = alice.account
    roles = [
        account.role("wants-mfa", requires_mfa=True).arn,
        account.role("wants-fresh-mfa", max_age=300).arn,
        account.role("wants-external-id", external_id="abc").arn,
        account.role("wants-bob", trusts=[account.user("bob").arn]).arn,
        account.role("wants-other-account", trusts=["999999999999"]).arn,
        account.role("wants-no-one", trusted_actions=()).arn,
        account.arn("role/missing"),
    ]
    sts = client(aws, key)
    for role in roles:
        assert refusal(assume, sts=sts, role=role) == denied(alice.arn, role)


@pytest.mark.parametrize(
    "principal", ["*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:user/alice"]
)
def test_a_role_lets_its_principals_in_from_any_account(
    aws: SimulatedAws, key: AccessKey, principal: str
) -> None:
    role = aws.account("999999999999").role("dev", trusts=[principal])
    assumed = assume(client(aws, key), role.arn)["AssumedRoleUser"]
    assert assumed["Arn"] == "arn:aws:sts::999999999999:assumed-role/dev/alice"


def test_the_external_id_must_be_the_role_s(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    role = alice.account.role("dev", external_id="abc")
    sts = client(aws, key)
    assume(sts, role.arn, ExternalId="abc")
    assert refusal(assume, sts=sts, role=role.arn, ExternalId="abd") == denied(alice.arn, role.arn)


def test_the_root_user_assumes_no_role(aws: SimulatedAws, alice: User) -> None:
    sts = client(aws, alice.account.root.access_key())
    role = alice.account.role("dev")
    expected = (403, "AccessDenied", "Roles may not be assumed by root accounts.")
    assert refusal(assume, sts=sts, role=role.arn) == expected


def test_a_federated_user_assumes_no_role(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    role = alice.account.role("dev", trusts=["*"])
    federated = client(aws, key).get_federation_token(Name="bob")
    sts = client(aws, federated["Credentials"])
    assert refusal(assume, sts=sts, role=role.arn) == denied(federated["FederatedUser"]["Arn"], role.arn)


def test_a_code_with_assume_role_meets_every_mfa_condition(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    role = alice.account.role("dev", requires_mfa=True, max_age=1)
    reply = assume(client(aws, key), role.arn, **with_code(device, aws.clock()))
    assert client(aws, reply["Credentials"]).get_caller_identity()["Arn"] == reply["AssumedRoleUser"]["Arn"]


def test_a_session_s_mfa_grows_old(
    aws: SimulatedAws, aws_clock: Clock, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    role = alice.account.role("dev", requires_mfa=True, max_age=600)
    session = client(aws, key).get_session_token(**with_code(device, aws_clock()))["Credentials"]
    aws_clock.advance(599)
    assume(client(aws, session), role.arn)
    aws_clock.advance(1)
    assert refusal(assume, sts=client(aws, session), role=role.arn) == denied(alice.arn, role.arn)


def test_a_session_without_mfa_opens_no_role_that_wants_it(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    role = alice.account.role("dev", requires_mfa=True)
    session = client(aws, key).get_session_token()["Credentials"]
    assert refusal(assume, sts=client(aws, session), role=role.arn) == denied(alice.arn, role.arn)


def test_a_role_s_credentials_carry_no_mfa(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    first, second = alice.account.role("first"), alice.account.role("second", requires_mfa=True)
    reply = assume(client(aws, key), first.arn, **with_code(device, aws.clock()))
    chained = client(aws, reply["Credentials"])
    assert refusal(assume, sts=chained, role=second.arn) == denied(
        reply["AssumedRoleUser"]["Arn"], second.arn
    )


def test_a_role_may_trust_a_role(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    first = alice.account.role("first")
    second = alice.account.role("second", trusts=[first.arn])
    session = assume(client(aws, key), first.arn)["Credentials"]
    assert assume(client(aws, session), second.arn)["AssumedRoleUser"]["Arn"].endswith("/second/alice")


def test_a_role_lasts_up_to_its_maximum(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    role = alice.account.role("dev", max_duration=2 * HOUR)
    sts = client(aws, key)
    reply = assume(sts, role.arn, DurationSeconds=2 * HOUR)
    assert reply["Credentials"]["Expiration"].timestamp() == int(aws.clock()) + 2 * HOUR
    text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    answer = refusal(assume, sts=sts, role=role.arn, DurationSeconds=2 * HOUR + 1)
    assert answer == (400, "ValidationError", text)


def test_temporary_credentials_give_a_role_for_an_hour_at_most(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    role = alice.account.role("dev", max_duration=12 * HOUR)
    sts = client(aws, key)
    text = (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )
    for session in (sts.get_session_token()["Credentials"], assume(sts, role.arn)["Credentials"]):
        chained = client(aws, session)
        assume(chained, role.arn, DurationSeconds=HOUR)
        answer = refusal(assume, sts=chained, role=role.arn, DurationSeconds=HOUR + 1)
        assert answer == (400, "ValidationError", text)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"DurationSeconds": 899}, "Member must have value greater than or equal to 900"),
        ({"DurationSeconds": 43201}, "Member must have value less than or equal to 43200"),
        ({"RoleSessionName": "a"}, "Member must have length greater than or equal to 2"),
        ({"RoleSessionName": "a" * 65}, "Member must have length less than or equal to 64"),
        ({"RoleSessionName": "a b"}, r"Member must satisfy regular expression pattern: [\w+=,.@-]*"),
        ({"RoleArn": "dev"}, "Member must have length greater than or equal to 20"),
        ({"ExternalId": "a"}, "Member must have length greater than or equal to 2"),
        ({"SerialNumber": "GAHT12345678", "TokenCode": "12345"}, "length greater than or equal to 6"),
        ({"SerialNumber": "GAHT12345678", "TokenCode": "12345a"}, r"regular expression pattern: [\d]*"),
        ({"SourceIdentity": "a"}, "Member must have length greater than or equal to 2"),
        ({"SourceIdentity": "aws:me"}, r"Member must satisfy regular expression pattern: [\w+=,.@-]*"),
    ],
)
def test_a_parameter_outside_its_limits_is_named(
    aws: SimulatedAws, alice: User, key: AccessKey, parameters: dict[str, object], problem: str
) -> None:
    role = alice.account.role("dev", max_duration=12 * HOUR)
    asked = {"RoleArn": role.arn, "RoleSessionName": "alice", **parameters}
    status, code, message = refusal(client(aws, key).assume_role, **asked)
    assert (status, code) == (400, "ValidationError")
    assert problem in message


def test_a_missing_parameter_is_named(aws: SimulatedAws, key: AccessKey) -> None:
    _, code, message = refusal(client(aws, key).assume_role, RoleSessionName="alice")
    assert code == "ValidationError"
    assert "Value null at 'roleArn'" in message


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        ({"Policy": "[]"}, "MalformedPolicyDocument"),
        ({"Tags": [{"Key": f"k{n}", "Value": "v" * 256} for n in range(20)]}, "PackedPolicyTooLarge"),
    ],
)
def test_a_policy_must_be_json_and_fit(
    aws: SimulatedAws, alice: User, key: AccessKey, parameters: dict[str, object], code: str
) -> None:
    role = alice.account.role("dev")
    sts = client(aws, key)
    status, answered, _ = refusal(assume, sts=sts, role=role.arn, **parameters)
    shapes = sts.meta.service_model.operation_model("AssumeRole").error_shapes
    modelled = {
        shape.metadata["error"]["code"]: shape.metadata["error"]["httpStatusCode"] for shape in shapes
    }
    assert (answered, status) == (code, modelled[code])


def test_transitive_tags_and_source_identity_stay_through_the_chain(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    role = alice.account.role("dev")
    tags = [{"Key": "team", "Value": "blue"}, {"Key": "cost", "Value": "1"}]
    first = assume(
        client(aws, key),
        role.arn,
        Tags=tags,
        TransitiveTagKeys=["team"],
        SourceIdentity="alice",
        Policy=POLICY,
    )
    chained = client(aws, first["Credentials"])
    second = assume(chained, role.arn)
    session = aws.session(second["Credentials"]["AccessKeyId"])
    assert session.tags == {"team": "blue"}
    assert session.policy is None
    assert second["SourceIdentity"] == "alice"


@pytest.mark.parametrize(
    ("parameters", "action"),
    [
        ({"SourceIdentity": "alice"}, "sts:SetSourceIdentity"),
        ({"Tags": [{"Key": "team", "Value": "blue"}]}, "sts:TagSession"),
    ],
)
def test_tags_and_source_identity_need_the_role_s_consent(
    aws: SimulatedAws, alice: User, key: AccessKey, parameters: dict[str, object], action: str
) -> None:
    role = alice.account.role("dev", trusted_actions=["sts:AssumeRole"])
    sts = client(aws, key)
    assume(sts, role.arn)
    assert refusal(assume, sts=sts, role=role.arn, **parameters) == denied(alice.arn, role.arn, action)


def test_a_user_may_be_denied_what_an_identity_policy_can_deny(
    aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice
) -> None:
    role = alice.account.role("dev")
    sts = client(aws, key)
    alice.denied_without_mfa.update({"sts:AssumeRole", "sts:GetFederationToken"})
    assert refusal(assume, sts=sts, role=role.arn) == denied(alice.arn, role.arn)
    assert refusal(sts.get_federation_token, Name="bob")[1] == "AccessDenied"
    assume(sts, role.arn, **with_code(device, aws.clock()))
    alice.denied.add("sts:AssumeRole")
    aws_session = client(aws, sts.get_session_token()["Credentials"])
    assert refusal(assume, sts=aws_session, role=role.arn) == denied(alice.arn, role.arn)
